/** An archive on standard input, written below a directory as it streams past. */
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { decompress } from '../../../images/unpack/compression.ts';
import { entryComponents, toText } from '../../../images/unpack/paths.ts';
import { SparseCursor } from '../../../images/unpack/sparse-cursor.ts';
import type { TarEntry, TarHandler } from '../../../images/unpack/tar-entry.ts';
import { TarReader } from '../../../images/unpack/tar-reader.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { writeAll, type TreeSink } from './tree-sink.ts';
import { tarSize } from './tar-sink.ts';

/** Resolves with the archive's size in bytes. @throws ImageError for one that is damaged, MinidockError for `../x`. */
export async function extractArchive(input: Readable, sink: TreeSink): Promise<number> {
  const extract = new Extract(sink);
  const reader = new TarReader(extract);
  const { stream } = await decompress(input);
  try {
    for await (const chunk of stream) reader.write(chunk as Buffer);
    reader.finish();
    sink.end();
  } finally {
    extract.close();
  }
  return extract.size;
}

class Extract implements TarHandler {
  size = 1024;
  private file: { readonly entry: TarEntry; readonly fd: number; readonly cursor?: SparseCursor } | undefined;

  constructor(private readonly sink: TreeSink) {}

  entry(given: TarEntry): void {
    this.size += tarSize(given);
    const entry = { ...given, path: inside(given.path), linkpath: given.linkpath };
    if (entry.path === '') return;
    if (entry.type === 'link') entry.linkpath = inside(given.linkpath);
    const fd = this.sink.entry(entry);
    if (fd === undefined) return;
    this.file = { entry, fd, ...(given.sparse && { cursor: new SparseCursor(given.sparse) }) };
  }

  data(chunk: Buffer): void {
    if (this.file === undefined) return;
    const { fd, cursor } = this.file;
    if (cursor === undefined) writeAll(fd, chunk);
    else
      cursor.place(chunk, (piece, position) => {
        calls.seek(fd, position);
        writeAll(fd, piece);
      });
  }

  end(): void {
    if (this.file === undefined) return;
    const { entry, fd, cursor } = this.file;
    this.file = undefined;
    this.sink.complete(entry, fd, cursor?.realSize);
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file.fd);
    this.file = undefined;
    this.sink.close();
  }
}

/** As Docker, which refuses what leads out of the directory, and takes `/x` for `x`. */
function inside(path: string): string {
  let depth = 0;
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    depth += part === '..' ? -1 : 1;
    if (depth < 0) {
      throw new MinidockError({
        code: 'BREAKOUT',
        message: `the archive's entry "${toText(path)}" is outside of the directory that it is extracted to`,
      });
    }
  }
  return entryComponents(path).join('/');
}
