/**
 * An archive of an image, taken apart: every file of it in a place where it can be looked up by name, whatever order
 * they came in (manifests come last in some, first in others, and stdin cannot be read twice). Files are written
 * into the blob store's own directory and hashed as they come, so that a layer becomes a blob by being renamed.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { link, readFile, rm } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { ImageError } from '../errors.ts';
import { readForeign, type Foreign } from '../foreign/read.ts';
import type { Shape } from '../foreign/shape.ts';
import { decompress } from '../unpack/compression.ts';
import { unpackError } from '../unpack/corrupt.ts';
import { MAX_PATH, toText } from '../unpack/paths.ts';
import type { TarEntry, TarHandler } from '../unpack/tar-entry.ts';
import { TarReader } from '../unpack/tar-reader.ts';
import type { BlobStore } from '../store/blob-store.ts';

export interface SpooledFile {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

const MAX_JSON = 16 << 20;
/** Of all documents that are read; a thousand images, which is the most, have 30 KB each. */
const MAX_JSON_TOGETHER = 128 << 20;
/** An image has a few files and a link a layer. */
const MAX_NAMES = 200_000;
const MAX_NAME_BYTES = 32 << 20;

export class Spool {
  private readonly files: ReadonlyMap<string, SpooledFile>;
  /** Links by name; old `docker save` made one of every layer that it had written already. */
  private readonly links: ReadonlyMap<string, string>;
  private read = 0;

  constructor(files: ReadonlyMap<string, SpooledFile>, links: ReadonlyMap<string, string>) {
    this.files = files;
    this.links = links;
  }

  find(name: string): SpooledFile | undefined {
    if (name.length > MAX_PATH) return undefined;
    let path = posix.normalize(name);
    for (let hops = 0; hops < 10; hops++) {
      const file = this.files.get(path);
      const target = this.links.get(path);
      if (file !== undefined || target === undefined) return file;
      path = target;
    }
    return undefined;
  }

  /** @throws ImageError 'ARCHIVE_INVALID'. */
  get(name: string): SpooledFile {
    const file = this.find(name);
    if (file === undefined) throw invalidArchive(`it has no file ${JSON.stringify(name.slice(0, 300))}`);
    return file;
  }

  async bytes(name: string): Promise<Buffer> {
    const { path, size } = this.get(name);
    if (size > MAX_JSON) throw invalidArchive(`"${name}" is too long to be what it should be`);
    // One may be read many times, once for each image that an archive claims to have.
    this.read += size;
    if (this.read > MAX_JSON_TOGETHER) {
      throw invalidArchive(
        `the documents of its images are longer than ${String(MAX_JSON_TOGETHER >> 20)} MB together`,
      );
    }
    return await readFile(path);
  }

  /** @throws ImageError 'ARCHIVE_INVALID'. */
  async json<T>(name: string, shape: Shape<T>): Promise<T> {
    const what = `not an image archive that can be loaded: "${name}"`;
    return readForeign(shape, await this.bytes(name), { what, ...archiveInvalid });
  }

  /** Makes a file a blob. More than one name may lead to it, so it is linked, not moved. */
  async toBlob(file: SpooledFile, blobs: BlobStore): Promise<void> {
    if (await blobs.has(file.digest)) return;
    const temporary = await blobs.temporaryPath();
    await link(file.path, temporary);
    try {
      await blobs.commit(temporary, file.digest, file.size, file.digest);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async discard(): Promise<void> {
    for (const { path } of this.files.values()) await rm(path, { force: true });
  }
}

/** Reads a whole archive, compressed or not. */
export async function spoolArchive(input: Readable, blobs: BlobStore): Promise<Spool> {
  const writer = new SpoolWriter(await blobs.temporaryPath());
  try {
    const { stream } = await decompress(input);
    const reader = new TarReader(writer);
    for await (const chunk of stream as AsyncIterable<Buffer>) reader.write(chunk);
    reader.finish();
    return writer.spool();
  } catch (error) {
    await writer.discard();
    if (error instanceof ImageError && error.code === 'LAYER_CORRUPT') {
      throw invalidArchive(error.message.replace(/^corrupt layer: /, ''), error);
    }
    throw unpackError('reading the archive', error);
  }
}

const archiveInvalid: Omit<Foreign, 'what'> = {
  code: 'ARCHIVE_INVALID',
  hint: 'load takes what "docker save" writes and OCI layouts; a plain root filesystem goes to import',
};

export function invalidArchive(what: string, cause?: unknown): ImageError {
  return new ImageError({
    ...archiveInvalid,
    message: `not an image archive that can be loaded: ${what}`,
    ...(cause === undefined ? {} : { cause }),
  });
}

class SpoolWriter implements TarHandler {
  private readonly prefix: string;
  private readonly files = new Map<string, SpooledFile>();
  private readonly links = new Map<string, string>();
  private readonly paths: string[] = [];
  private names = 0;
  private nameBytes = 0;
  private open: { fd: number; name: string; path: string; size: number; hash: Hash } | undefined;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  entry(entry: TarEntry): void {
    // Names only ever serve for looking up; nothing is written under them.
    const name = nameOf(entry.path);
    const link = entry.type === 'link' || entry.type === 'symlink' ? nameOf(entry.linkpath) : undefined;
    if (link !== undefined || entry.type === 'file') this.count(name.length + (link?.length ?? 0));
    if (link !== undefined)
      this.links.set(name, entry.type === 'link' ? link : posix.join(posix.dirname(name), link));
    if (entry.type !== 'file') return;
    const path = `${this.prefix}-${String(this.paths.length)}`;
    this.paths.push(path);
    this.open = {
      fd: openSync(path, 'wx', 0o600),
      name,
      path,
      size: entry.size,
      hash: createHash('sha256'),
    };
  }

  /** Directories do not count: nothing is kept of them. */
  private count(bytes: number): void {
    this.names += 1;
    this.nameBytes += bytes;
    if (this.names > MAX_NAMES || this.nameBytes > MAX_NAME_BYTES) {
      throw invalidArchive('it has more files and links than any image archive has');
    }
  }

  data(chunk: Buffer): void {
    if (this.open === undefined) return;
    this.open.hash.update(chunk);
    for (let done = 0; done < chunk.length;) done += writeSync(this.open.fd, chunk, done);
  }

  end(): void {
    if (this.open === undefined) return;
    const { fd, name, path, size, hash } = this.open;
    this.open = undefined;
    closeSync(fd);
    // An archive may hold a name twice: the last one counts, and nobody would remove the first.
    const former = this.files.get(name);
    if (former !== undefined) rmSync(former.path);
    this.files.set(name, { path, size, digest: `sha256:${hash.digest('hex')}` });
  }

  spool(): Spool {
    return new Spool(this.files, this.links);
  }

  async discard(): Promise<void> {
    if (this.open !== undefined) closeSync(this.open.fd);
    for (const path of this.paths) await rm(path, { force: true });
  }
}

/** @throws ImageError 'ARCHIVE_INVALID': a name that no file can have leads to none. */
function nameOf(bytes: string): string {
  if (bytes.length > MAX_PATH) throw invalidArchive(`it has a name that is too long: "${toText(bytes)}"`);
  return posix.normalize(Buffer.from(bytes, 'latin1').toString('utf8')).replace(/^\/+/, '');
}
