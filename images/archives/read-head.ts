/** The beginning of a file, where compressed archives say what they are. */
import { open } from 'node:fs/promises';

/** Fewer bytes if the file is shorter. */
export async function readHead(path: string, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
