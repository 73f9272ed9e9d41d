/**
 * The process that unpacks: `minidock __unpack`. One request comes as a line of JSON on stdin, lines of JSON go out on stdout,
 * progress first, then the report or the error. It is a process of its own so that layers use all cores, and so that
 * it can make the directory that holds the layer's its root: whatever an archive holds, there is nothing else to write to.
 */
import { read, readSync, writeSync } from 'node:fs';
import type { ImageError } from '../errors.ts';
import type { FileSystemCalls } from '../file-system-calls.ts';
import { unpackError } from './corrupt.ts';
import { makeOverrides } from './overrides.ts';
import type { LayerReport, LayerRequest, OverridesReport, OverridesRequest } from './types.ts';
import { unpackLayer } from './unpack.ts';

export type Message =
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'report'; readonly report: LayerReport | OverridesReport }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly hint?: string };

/** Enough for a smooth bar, few enough not to be felt. */
const PROGRESS_STEP = 2 << 20;

/** Returns the exit status. */
export async function runUnpack(calls: FileSystemCalls): Promise<number> {
  // Modes are the archive's, not the user's.
  process.umask(0);
  const parent = process.ppid;
  const request = JSON.parse(readLine()) as LayerRequest | OverridesRequest;
  try {
    const report =
      request.kind === 'layer' ? await unpack(request, calls, parent) : makeOverrides(request, calls);
    send({ kind: 'report', report });
    return 0;
  } catch (error) {
    // No process reads it any more.
    if (process.ppid !== parent) return 1;
    const { code, message, hint }: ImageError = unpackError('unpacking a layer', error);
    send({ kind: 'error', code, message, ...(hint === undefined ? {} : { hint }) });
    return 1;
  }
}

async function unpack(request: LayerRequest, calls: FileSystemCalls, parent: number): Promise<LayerReport> {
  let told = 0;
  return await unpackLayer(request.blob, request.target, calls, {
    enterRoot: true,
    diffId: request.diffId,
    growing: request.size === undefined ? undefined : { size: request.size, more },
    onProgress: (bytes) => {
      // The requester is gone: nobody needs the result, and the next process waits to clean it up.
      if (process.ppid !== parent) throw new Error('the process that asked for it is gone');
      if (bytes - told < PROGRESS_STEP) return;
      told = bytes;
      send({ kind: 'progress', bytes });
    },
  });
}

function readLine(): string {
  const chunk = Buffer.alloc(1 << 16);
  let line = Buffer.alloc(0);
  while (!line.includes('\n')) {
    const length = readSync(0, chunk);
    if (length === 0) break;
    line = Buffer.concat([line, chunk.subarray(0, length)]);
  }
  return line.toString('utf8').split('\n', 1)[0] ?? '';
}

/** A byte on stdin says that there is more of the blob, its end that all of it is there, or that nobody waits for it. */
function more(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    read(0, Buffer.alloc(1 << 12), 0, 1 << 12, null, (error, length) => {
      if (error === null) resolve(length > 0);
      else reject(error);
    });
  });
}

function send(message: Message): void {
  const line = Buffer.from(`${JSON.stringify(message)}\n`);
  try {
    for (let done = 0; done < line.length;) done += writeSync(1, line, done);
  } catch (error) {
    // The requester is gone; the next check of the parent ends this process.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
