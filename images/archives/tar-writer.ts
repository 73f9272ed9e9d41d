/**
 * Writes a tar archive of files whose sizes are known beforehand, as a stream that waits for its reader. Headers come
 * from the `tar` package; names are plain ASCII and shorter than a hundred bytes, which all of an image archive's are,
 * and times are zero, so that saving the same images twice gives the same bytes.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { Header } from 'tar/header';
import { ImageError } from '../errors.ts';

const BLOCK_SIZE = 512;

export class TarWriter {
  private readonly output: Writable;

  constructor(output: Writable) {
    this.output = output;
  }

  async dir(path: string): Promise<void> {
    await this.write(header({ path: `${path}/`, type: 'Directory', mode: 0o755, size: 0 }));
  }

  async file(path: string, content: Uint8Array): Promise<void> {
    await this.stream(path, content.length, [content]);
  }

  /** @throws ImageError 'SIZE_MISMATCH' when `content` turns out to have another size. */
  async stream(
    path: string,
    size: number,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    await this.write(header({ path, type: 'File', mode: 0o644, size }));
    let written = 0;
    for await (const chunk of content) {
      written += chunk.length;
      if (written > size) break;
      await this.write(chunk);
    }
    if (written !== size) {
      throw new ImageError({
        code: 'SIZE_MISMATCH',
        message: `writing ${path}: it should have ${String(size)} bytes and has ${written > size ? 'more' : String(written)}`,
      });
    }
    await this.write(Buffer.alloc((BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE));
  }

  /** The two empty blocks that end an archive. The output stays open: it is the caller's. */
  async finish(): Promise<void> {
    await this.write(Buffer.alloc(2 * BLOCK_SIZE));
  }

  private async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0 && !this.output.write(bytes)) await once(this.output, 'drain');
  }
}

function header(fields: { path: string; type: 'File' | 'Directory'; mode: number; size: number }): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE);
  const made = new Header();
  Object.assign(made, { ...fields, uid: 0, gid: 0, mtime: new Date(0), uname: '', gname: '', linkpath: '' });
  made.encode(block);
  return block;
}
