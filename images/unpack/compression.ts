/**
 * What an archive is compressed with, told by its first bytes (as Docker tells it: media types are often wrong), and
 * its undoing. gzip and zstd are done here, off the main thread; xz and bzip2, which no image layer uses but people's
 * tarballs do, by the program of that name.
 *
 * Measured on 50 MB of gzip: node:zlib in chunks of 1 MB takes as long as libdeflate on the whole file at once, and
 * needs neither the memory nor a second way for files of several gzip members, so there is only this one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, pipeline, Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { ImageError } from '../errors.ts';
import { corruptLayer } from './corrupt.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

export const ioChunk = 1 << 20;

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
const longestMagic = 6;

export function detectCompression(head: Uint8Array): Compression {
  return magics.find(([, magic]) => magic.every((byte, i) => head[i] === byte))?.[0] ?? 'none';
}

export interface Decompressed {
  readonly compression: Compression;
  /** An error of the input or of the decompression surfaces here. */
  readonly stream: Readable;
}

/** Looks at the first bytes of `input` and gives what they promise. `only` leaves other compressions as they are. */
export async function decompress(input: Readable, only?: readonly Compression[]): Promise<Decompressed> {
  const { head, whole } = await peek(input, longestMagic);
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
      return zlib.createGunzip({ chunkSize: ioChunk });
    case 'zstd':
      return zstdDecoder();
    case 'xz':
    case 'bzip2':
      return await programDecoder(compression);
  }
}

/** Node has zstd from version 22.15 on, Bun always. */
function zstdDecoder(): Duplex {
  const { createZstdDecompress } = zlib as {
    createZstdDecompress?: (options: { chunkSize: number }) => Duplex;
  };
  if (createZstdDecompress !== undefined) return createZstdDecompress({ chunkSize: ioChunk });
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

/** The first bytes of a stream, fewer if it is shorter, and a stream that still begins with them. */
async function peek(input: Readable, length: number): Promise<{ head: Buffer; whole: Readable }> {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < length) {
    const chunk = input.read() as Buffer | null;
    if (chunk !== null) {
      chunks.push(chunk);
      total += chunk.length;
    } else if (input.readableEnded || input.destroyed || !(await untilReadable(input))) {
      // Nothing can be put back into a stream that has ended.
      return { head: Buffer.concat(chunks), whole: Readable.from(chunks) };
    }
  }
  const head = Buffer.concat(chunks);
  input.unshift(head);
  return { head, whole: input };
}

/** False when the stream ended instead. */
async function untilReadable(input: Readable): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const settle = (act: () => void) => (): void => {
      input.off('readable', onReadable).off('end', onEnd).off('error', onError);
      act();
    };
    const onReadable = settle(() => {
      resolve(true);
    });
    const onEnd = settle(() => {
      resolve(false);
    });
    const onError = (error: Error): void => {
      settle(() => {
        reject(error);
      })();
    };
    input.on('readable', onReadable).on('end', onEnd).on('error', onError);
  });
}
