/**
 * Copies a file with its holes. A layer of a few hundred bytes can have a sparse file of terabytes: node:fs's copy would
 * write all of the holes to the disk as zeros.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import type { FileSystemCalls } from '../file-system-calls.ts';
import type { FsPath } from './paths.ts';

const CHUNK_SIZE = 1 << 20;

/** `to` must not be there. Neither name's last component may be a link. */
export function copyFile(from: FsPath, to: FsPath, { nextData }: Pick<FileSystemCalls, 'nextData'>): void {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
  const source = openSync(from, O_RDONLY | O_NOFOLLOW);
  try {
    const target = openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      ftruncateSync(target, fstatSync(source).size);
      for (let data = nextData(source, 0); data !== undefined; data = nextData(source, data.end)) {
        copyPart(source, target, data);
      }
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function copyPart(
  source: number,
  target: number,
  part: { readonly start: number; readonly end: number },
): void {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_SIZE, part.end - part.start));
  for (let at = part.start; at < part.end;) {
    const length = readSync(source, chunk, 0, Math.min(chunk.length, part.end - at), at);
    if (length === 0) return;
    for (let done = 0; done < length;) done += writeSync(target, chunk, done, length - done, at + done);
    at += length;
  }
}
