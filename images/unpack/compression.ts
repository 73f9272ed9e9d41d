/**
 * Detects an archive's compression by its first bytes (as Docker does: media types are often wrong), and decompresses
 * it. gzip and zstd are done here, off the main thread; xz and bzip2, which no image layer uses but people's tarballs
 * do, by the program of that name.
 *
 * Measured on 50 MB of gzip: node:zlib in chunks of 1 MB takes as long as libdeflate on the whole file at once, and
 * needs neither the memory nor a second way for files of several gzip members, so there is only this one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, pipeline, Readable } from 'node:stream';
import type * as Zlib from 'node:zlib';
import { ImageError } from '../errors.ts';
import { corruptLayer } from './corrupt.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

export const IO_CHUNK = 1 << 20;

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
const LONGEST_MAGIC = 6;

export function detectCompression(head: Uint8Array): Compression {
  if (isSkippableFrame(head)) return 'zstd';
  return magics.find(([, magic]) => magic.every((byte, i) => head[i] === byte))?.[0] ?? 'none';
}

/** A frame with a note instead of data, which zstd may begin with (RFC 8878, 3.1.2): stargz and pzstd write such. */
function isSkippableFrame([first = 0, ...rest]: Uint8Array): boolean {
  return (first & 0xf0) === 0x50 && rest[0] === 0x2a && rest[1] === 0x4d && rest[2] === 0x18;
}

export interface Decompressed {
  readonly compression: Compression;
  /** An error of the input or of the decompression surfaces here. */
  readonly stream: Readable;
}

/** Looks at the first bytes of `input` and gives what they promise. `only` leaves other compressions as they are. */
export async function decompress(input: Readable, only?: readonly Compression[]): Promise<Decompressed> {
  const { head, whole } = await peek(input, LONGEST_MAGIC);
  const compression = detectCompression(head);
  const decoder = only?.includes(compression) === false ? undefined : await decoderOf(compression);
  if (decoder === undefined) return { compression, stream: whole };
  // The callback is required; the error it is given destroys the decoder as well, where the reader meets it.
  pipeline(whole, decoder, () => undefined);
  return { compression, stream: decoder };
}

async function decoderOf(compression: Compression): Promise<Duplex | undefined> {
  switch (compression) {
    case 'none':
      return undefined;
    case 'gzip':
      return zlib().createGunzip({ chunkSize: IO_CHUNK });
    case 'zstd':
      return zstdDecoder();
    case 'xz':
    case 'bzip2':
      return await programDecoder(compression);
  }
}

/** Loaded to decompress: it takes three milliseconds, and most callers only ask what a file is. */
const zlib = (): typeof Zlib => process.getBuiltinModule('node:zlib');

/** Node has zstd from version 22.15 on, Bun always. */
function zstdDecoder(): Duplex {
  const { createZstdDecompress } = zlib() as {
    createZstdDecompress?: (options: { chunkSize: number }) => Duplex;
  };
  if (createZstdDecompress !== undefined) return createZstdDecompress({ chunkSize: IO_CHUNK });
  throw new ImageError({
    code: 'UNSUPPORTED_COMPRESSION',
    message: 'this build cannot read zstd',
    hint: 'run the compiled minidock, which can',
  });
}

async function programDecoder(program: 'xz' | 'bzip2'): Promise<Duplex> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new ImageError({
      code: 'MISSING_PROGRAM',
      message: `the archive is compressed with ${program}, and the program ${program} is not there to read it`,
      hint: `apt-get install ${program === 'xz' ? 'xz-utils' : 'bzip2'}`,
      cause,
    });
  }
  const complaint: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaint.push(chunk));
  async function* output(): AsyncGenerator<Buffer> {
    const exit = once(child, 'close') as Promise<[number | null]>;
    yield* child.stdout as AsyncIterable<Buffer>;
    const [status] = await exit;
    if (status !== 0)
      throw corruptLayer(Buffer.concat(complaint).toString('utf8').trim() || `${program} failed`);
  }
  return Duplex.from({ writable: child.stdin, readable: output() });
}

/**
 * The first bytes of a stream, fewer if it is shorter, and a stream that still begins with them. A new one, made of
 * the old one's iterator: putting bytes back with unshift() makes Bun forget a standard input that is then paused.
 */
async function peek(input: Readable, length: number): Promise<{ head: Buffer; whole: Readable }> {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  let head: Buffer = Buffer.alloc(0);
  let ended = false;
  while (head.length < length && !ended) {
    const next = await chunks.next();
    if (next.done === true) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    while (!ended) {
      const next = await chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
  // Bytes, not objects, so that the buffer of what is read ahead stays small.
  return {
    head: head.subarray(0, length),
    whole: Readable.from(all(), { objectMode: false, highWaterMark: IO_CHUNK }),
  };
}
