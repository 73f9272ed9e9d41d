/** How a file is compressed, by its first bytes. */
import { closeSync, openSync, readSync } from 'node:fs';
import { detectCompression, type Compression } from './compression.ts';

export function compressionOf(file: string): Compression {
  const fd = openSync(file, 'r');
  try {
    const head = Buffer.alloc(6);
    return detectCompression(head.subarray(0, readSync(fd, head)));
  } finally {
    closeSync(fd);
  }
}
