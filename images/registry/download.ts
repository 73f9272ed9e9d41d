/**
 * One blob from a registry into the store: hashed while it is written, resumed where an earlier attempt, of this
 * process or any before it, broke off, and given its name only if digest and size are right.
 *
 * Invariant: `hash` has seen exactly the first `written` bytes of the partial file.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  ftruncateSync,
  fstatSync,
  openSync,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ImageError } from '../errors.ts';
import { familiarName, type Reference } from '../reference.ts';
import type { Arrival } from '../store/arrival.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { Descriptor } from '../types.ts';
import type { BlobBody, RegistryClient } from './client.ts';
import { waitBefore } from './retry.ts';
import { TransportError } from './transport-error.ts';

export interface Download {
  readonly client: RegistryClient;
  readonly reference: Reference;
  readonly descriptor: Descriptor;
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal | undefined;
  /** Reports the bytes to a concurrent reader. The caller reports the end. */
  readonly arrival?: Arrival | undefined;
  /** Bytes of the blob that are on disk. */
  readonly onProgress?: ((written: number) => void) | undefined;
  /** Called around the check that gives the blob its name. */
  readonly commit?: ((work: () => Promise<void>) => Promise<void>) | undefined;
}

/**
 * 'exists' if it was in the store, also if another process brought it meanwhile. @throws what the client throws,
 * ImageError 'DIGEST_MISMATCH', 'SIZE_MISMATCH' (nothing is kept then) and 'DISK_FULL'.
 */
export async function downloadBlob(download: Download): Promise<'downloaded' | 'exists'> {
  const { blobs, descriptor, signal } = download;
  const exists = async (): Promise<boolean> => {
    if (!(await blobs.has(descriptor.digest, descriptor.size))) return false;
    download.arrival?.begin(blobs.path(descriptor.digest));
    return true;
  };
  if (await exists()) return 'exists';
  const release = await blobs.lock(descriptor.digest, signal);
  try {
    if (await exists()) return 'exists';
    await fetchVerified(download);
    return 'downloaded';
  } finally {
    release();
  }
}

async function fetchVerified(download: Download): Promise<void> {
  const { blobs, descriptor, client } = download;
  const path = blobs.partialPath(descriptor.digest);
  for (;;) {
    const partial = await PartialFile.open(path, descriptor.size, download.arrival);
    const resumed = partial.written > 0;
    let last: BlobBody | undefined;
    try {
      last = await fillPartial(download, partial);
    } catch (error) {
      partial.close();
      // A disk that is full should not stay full of something nobody can use.
      if (error instanceof ImageError && ['DISK_FULL', 'SIZE_MISMATCH'].includes(error.code)) {
        await rm(path, { force: true });
      }
      throw error;
    }
    const actual = partial.digest();
    partial.close();
    // Wrong bytes may come from an earlier run or a mirror: then try once more.
    const worthAnother =
      actual !== descriptor.digest && (resumed || (last !== undefined && client.distrust(last.source)));
    if (!worthAnother) {
      const commit = (): Promise<void> => blobs.commit(path, descriptor.digest, descriptor.size, actual);
      await (download.commit?.(commit) ?? commit());
      return;
    }
    await rm(path, { force: true });
  }
}

/** Fetches until every byte is there. Attempts count from the last one that brought anything. */
async function fillPartial(download: Download, partial: PartialFile): Promise<BlobBody | undefined> {
  const { client, reference, descriptor, signal, onProgress } = download;
  let body: BlobBody | undefined;
  let failures = 0;
  while (partial.written < descriptor.size) {
    const before = partial.written;
    try {
      body = await client.openBlob(reference, descriptor.digest, partial.written, signal);
      if (body.offset !== partial.written) partial.restart();
      await receive(body, partial, download);
      if (partial.written < descriptor.size) throw endedEarly(reference, descriptor, partial.written);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TransportError) || !error.retryable) throw error;
      failures = partial.written > before ? 1 : failures + 1;
      const wait = waitBefore(failures + 1, client.retry, error.retryAfterMs);
      if (failures >= client.retry.attempts || wait === undefined) throw error;
      await delay(wait, undefined, signal === undefined ? {} : { signal });
    }
  }
  onProgress?.(partial.written);
  return body;
}

async function receive(
  body: BlobBody,
  partial: PartialFile,
  { client, descriptor, onProgress }: Download,
): Promise<void> {
  for await (const chunk of body.chunks) {
    if (partial.written + chunk.length > descriptor.size) {
      partial.restart();
      throw tooMuch(descriptor, client.distrust(body.source));
    }
    partial.append(chunk);
    onProgress?.(partial.written);
  }
}

/** Thrown before the end. `retryable` if another endpoint exists. */
function tooMuch({ digest, size }: Descriptor, retryable: boolean): TransportError {
  return new TransportError({
    code: 'SIZE_MISMATCH',
    message: `blob ${digest} should have ${String(size)} bytes but more arrived`,
    hint: 'the registry or something on the way gave something else; nothing of it was used',
    retryable,
  });
}

function endedEarly(reference: Reference, { digest, size }: Descriptor, written: number): TransportError {
  return new TransportError({
    code: 'CONNECTION_BROKEN',
    message: `blob ${digest} of ${familiarName(reference)}: the connection ended after ${String(written)} of ${String(size)} bytes`,
    hint: 'try again; what was downloaded so far is kept',
    retryable: true,
  });
}

class PartialFile {
  private readonly fd: number;
  private readonly path: string;
  private readonly arrival: Arrival | undefined;
  private hash: Hash = createHash('sha256');
  private hashed = 0;

  private constructor(path: string, arrival: Arrival | undefined) {
    this.path = path;
    this.arrival = arrival;
    this.fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** Takes in what an earlier attempt left, unless it cannot be a beginning of the blob. */
  static async open(path: string, size: number, arrival?: Arrival): Promise<PartialFile> {
    const partial = new PartialFile(path, arrival);
    try {
      const left = fstatSync(partial.fd).size;
      if (left > size) ftruncateSync(partial.fd, 0);
      arrival?.begin(path);
      if (left > 0) await partial.rehash(path);
      return partial;
    } catch (error) {
      partial.close();
      throw error;
    }
  }

  get written(): number {
    return this.hashed;
  }

  /**
   * Written synchronously: the copy into the page cache takes less time than a thread's answer does, and the order
   * of chunks is kept for free.
   */
  append(chunk: Uint8Array): void {
    let offset = 0;
    try {
      while (offset < chunk.length) {
        offset += writeSync(this.fd, chunk, offset, chunk.length - offset, this.hashed + offset);
      }
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause;
      throw new ImageError({
        code: 'DISK_FULL',
        message: `write ${this.path}: no space left on device`,
        hint: 'free some space there (`minidock rmi`), or put MINIDOCK_ROOT on a larger disk',
        cause,
      });
    }
    this.hash.update(chunk);
    this.hashed += chunk.length;
    this.arrival?.grow(this.hashed);
  }

  restart(): void {
    // First: a concurrent reader must not join the end of the old bytes with the new ones.
    this.arrival?.begin(this.path);
    ftruncateSync(this.fd, 0);
    this.hash = createHash('sha256');
    this.hashed = 0;
  }

  /** To be called once: a hash ends with its digest. */
  digest(): string {
    return `sha256:${this.hash.digest('hex')}`;
  }

  close(): void {
    closeSync(this.fd);
  }

  private async rehash(path: string): Promise<void> {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      this.hash.update(chunk as Uint8Array);
      this.hashed += (chunk as Uint8Array).length;
    }
  }
}
