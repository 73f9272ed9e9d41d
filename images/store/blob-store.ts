/**
 * Blobs by digest: what a registry or an archive gave, byte for byte. A blob has its final name only once its content
 * hashes to it, and arrives there by rename(2), so a reader never sees half of one, even after a kill. A power cut
 * may lose a layer: like Docker, minidock does not fsync layers, only manifests and configurations (`sync`).
 *
 * Layout: sha256/<hex> for the blobs, partial/<hex> for downloads in progress (kept when broken off, so that they
 * can be resumed), locks/<hex> while someone writes.
 */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf, newSha256 } from '../digest.ts';
import { ImageError } from '../errors.ts';
import type { AcquireLock, Release } from './lock.ts';
import { isOwnerAlive, ownerTag } from './owner.ts';

/** Bytes that any manifest or configuration may have. */
const MAX_DOCUMENT = 16 << 20;

export class BlobStore {
  private readonly dir: string;
  private readonly acquireLock: AcquireLock;
  private readonly beforeAdding: () => Promise<void>;
  /** Once in a process's life is often enough. */
  private cleared = false;

  /** `beforeAdding` is awaited before anything new comes in; the image store keeps clean-ups away with it. */
  constructor(
    dir: string,
    acquireLock: AcquireLock,
    beforeAdding: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.dir = dir;
    this.acquireLock = acquireLock;
    this.beforeAdding = beforeAdding;
  }

  /** One of another `size` does not count: a machine that lost its power may have had only half of it on disk. */
  async has(digest: string, size?: number): Promise<boolean> {
    try {
      const found = await stat(this.path(digest));
      return size === undefined || found.size === size;
    } catch {
      // Not there is the answer.
      return false;
    }
  }

  path(digest: string): string {
    return join(this.dir, 'sha256', hexOf(digest));
  }

  /** Where to download to; its directory exists. The name is stable, so a broken download is found and resumed. */
  partialPath(digest: string): string {
    return join(this.dir, 'partial', hexOf(digest));
  }

  /**
   * To be held from before the download until after `commit`: two processes pulling the same blob would otherwise
   * write to the same partial file. Ask `has` again once it is held. Dies with its process.
   */
  async lock(digest: string, signal?: AbortSignal): Promise<Release> {
    await this.beforeAdding();
    await mkdir(join(this.dir, 'partial'), { recursive: true });
    return await this.acquireLock(join(this.dir, 'locks', `${hexOf(digest)}.lock`), signal);
  }

  /**
   * Gives a downloaded file its final name. A caller that hashed it while writing passes that digest as `verified`;
   * otherwise the file is read again. @throws ImageError 'SIZE_MISMATCH' or 'DIGEST_MISMATCH' and removes the file if
   * it is not what it should be.
   */
  async commit(partialPath: string, digest: string, size: number, verified?: string): Promise<void> {
    const actualSize = (await stat(partialPath)).size;
    if (actualSize !== size) {
      await rm(partialPath, { force: true });
      throw new ImageError({
        code: 'SIZE_MISMATCH',
        message: `blob ${digest} should have ${String(size)} bytes but ${String(actualSize)} arrived`,
      });
    }
    const actual = verified ?? (await hashFile(partialPath));
    if (actual !== digest) {
      await rm(partialPath, { force: true });
      throw new ImageError({
        code: 'DIGEST_MISMATCH',
        message: `what arrived as blob ${digest} has the digest ${actual}`,
        hint: 'the registry, a proxy or the archive gave something else; nothing of it was used',
      });
    }
    await mkdir(dirname(this.path(digest)), { recursive: true });
    await rename(partialPath, this.path(digest));
  }

  /** Where to write what has no digest yet; `commit` takes it from there, its writer removes it otherwise. */
  async temporaryPath(): Promise<string> {
    await this.beforeAdding();
    await mkdir(join(this.dir, 'partial'), { recursive: true });
    await this.clearAbandoned();
    return join(this.dir, 'partial', `.${ownerTag()}`);
  }

  /** What loads and imports that were killed had written. Broken downloads stay: they can be resumed. */
  private async clearAbandoned(): Promise<void> {
    if (this.cleared) return;
    this.cleared = true;
    const partial = join(this.dir, 'partial');
    for (const name of await readdir(partial)) {
      if (!name.startsWith('.') || isOwnerAlive(name.slice(1))) continue;
      await rm(join(partial, name), { force: true });
    }
  }

  /** For small things such as manifests and configurations. Returns their digest. */
  async putBytes(bytes: Uint8Array): Promise<string> {
    await this.beforeAdding();
    const digest = digestOf(bytes);
    if (await this.has(digest, bytes.length)) return digest;
    const temporary = await this.temporaryPath();
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
      await this.commit(temporary, digest, bytes.length, digest);
    } finally {
      await rm(temporary, { force: true });
    }
    return digest;
  }

  /** Waits until these are on the disk itself: what an image's name stands for must outlive a loss of power. */
  async sync(digests: readonly string[]): Promise<void> {
    await Promise.all(digests.map((digest) => syncFile(this.path(digest))));
  }

  /**
   * A manifest's or a configuration's bytes. @throws ImageError 'BLOB_MISSING', and 'BLOB_TOO_LARGE' for a blob that
   * must be something else, such as a layer.
   */
  readBytes(digest: string, most = MAX_DOCUMENT): Buffer {
    try {
      const { size } = statSync(this.path(digest));
      if (size > most) {
        throw new ImageError({
          code: 'BLOB_TOO_LARGE',
          message: `blob ${digest} has ${String(size)} bytes, which is too long for a manifest or a configuration`,
        });
      }
      // Small, and at the start of each run: a thread of the pool would cost more than the reading.
      return readFileSync(this.path(digest));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      throw new ImageError({ code: 'BLOB_MISSING', message: `blob ${digest} is not in the store`, cause });
    }
  }

  async remove(digest: string): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  /** Forgets broken downloads; only while nobody else is adding. */
  async clearPartial(): Promise<void> {
    await rm(join(this.dir, 'partial'), { recursive: true, force: true });
  }

  /** Digests of all blobs. */
  async list(): Promise<string[]> {
    try {
      return (await readdir(join(this.dir, 'sha256'))).map((hex) => `sha256:${hex}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return [];
    }
  }
}

/** The hex digits, which are what makes a digest safe to use as a file's name. */
export function hexOf(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) {
    throw new ImageError({
      code: 'INVALID_DIGEST',
      message: `"${digest}" is not a sha256 digest`,
      hint: 'minidock knows sha256 only, which is what registries and archives use',
    });
  }
  return hex;
}

async function hashFile(path: string): Promise<string> {
  const hash = newSha256();
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
