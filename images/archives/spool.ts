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
import { TarReader, type TarEntry, type TarHandler } from '../unpack/tar-reader.ts';
import type { BlobStore } from '../store/blob-store.ts';

export interface SpooledFile {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

const maxJson = 16 << 20;

export class Spool {
  readonly #files: ReadonlyMap<string, SpooledFile>;
  /** Links by name; old `docker save` made one of every layer that it had written already. */
  readonly #links: ReadonlyMap<string, string>;

  constructor(files: ReadonlyMap<string, SpooledFile>, links: ReadonlyMap<string, string>) {
    this.#files = files;
    this.#links = links;
  }

  find(name: string): SpooledFile | undefined {
    let path = posix.normalize(name);
    for (let hops = 0; hops < 10; hops++) {
      const file = this.#files.get(path);
      const target = this.#links.get(path);
      if (file !== undefined || target === undefined) return file;
      path = target;
    }
    return undefined;
  }

  /** Throws ImageError 'ARCHIVE_INVALID'. */
  get(name: string): SpooledFile {
    const file = this.find(name);
    if (file === undefined) throw invalidArchive(`it has no file "${name}"`);
    return file;
  }

  async bytes(name: string): Promise<Buffer> {
    const { path, size } = this.get(name);
    if (size > maxJson) throw invalidArchive(`"${name}" is too long to be what it should be`);
    return await readFile(path);
  }

  /** Throws ImageError 'ARCHIVE_INVALID'. */
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
    for (const { path } of this.#files.values()) await rm(path, { force: true });
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
  readonly #prefix: string;
  readonly #files = new Map<string, SpooledFile>();
  readonly #links = new Map<string, string>();
  readonly #paths: string[] = [];
  #open: { fd: number; name: string; path: string; size: number; hash: Hash } | undefined;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  entry(entry: TarEntry): void {
    // Names only ever serve for looking up; nothing is written under them.
    const name = nameOf(entry.path);
    if (entry.type === 'link') this.#links.set(name, nameOf(entry.linkpath));
    if (entry.type === 'symlink')
      this.#links.set(name, posix.join(posix.dirname(name), nameOf(entry.linkpath)));
    if (entry.type !== 'file') return;
    const path = `${this.#prefix}-${String(this.#paths.length)}`;
    this.#paths.push(path);
    this.#open = {
      fd: openSync(path, 'wx', 0o600),
      name,
      path,
      size: entry.size,
      hash: createHash('sha256'),
    };
  }

  data(chunk: Buffer): void {
    if (this.#open === undefined) return;
    this.#open.hash.update(chunk);
    for (let done = 0; done < chunk.length;) done += writeSync(this.#open.fd, chunk, done);
  }

  end(): void {
    if (this.#open === undefined) return;
    const { fd, name, path, size, hash } = this.#open;
    this.#open = undefined;
    closeSync(fd);
    // An archive may hold a name twice: the last one counts, and nobody would remove the first.
    const former = this.#files.get(name);
    if (former !== undefined) rmSync(former.path);
    this.#files.set(name, { path, size, digest: `sha256:${hash.digest('hex')}` });
  }

  spool(): Spool {
    return new Spool(this.#files, this.#links);
  }

  async discard(): Promise<void> {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    for (const path of this.#paths) await rm(path, { force: true });
  }
}

function nameOf(bytes: string): string {
  return posix.normalize(Buffer.from(bytes, 'latin1').toString('utf8')).replace(/^\/+/, '');
}
