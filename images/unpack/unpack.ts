/**
 * One layer: bytes in, a directory out, and the proof that they are the bytes the image's configuration names.
 * Decompression runs on zlib's thread, everything else in one synchronous loop per chunk.
 *
 * The caller removes the directory when it throws, and uses nothing in it before it returns.
 */
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { ImageError } from '../errors.ts';
import type { FileSystemCalls } from '../file-system-calls.ts';
import { BlobReader } from './blob-reader.ts';
import { decompress } from './compression.ts';
import { corruptLayer, unpackError } from './corrupt.ts';
import { LayerWriter } from './layer-writer.ts';
import { TarReader } from './tar-reader.ts';
import type { GrowingBlob, LayerReport } from './types.ts';

export interface UnpackLayerOptions {
  /**
   * Enter the directory above the target by chroot(2), which cannot be undone: only for a process that does nothing
   * else. Not the target itself: the JavaScript engine opens files by name when it likes (/proc/self/statm at each
   * garbage collection), and in a root that is the layer's each of them could be a FIFO or a device of the layer's.
   * Nothing but the target may be in that directory.
   */
  readonly enterRoot: boolean;
  /** What the uncompressed archive must hash to; ImageError 'DIFF_ID_MISMATCH' otherwise. */
  readonly diffId?: string | undefined;
  /** When the blob is still being written. */
  readonly growing?: GrowingBlob | undefined;
  /** Compressed bytes read so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** `blob` is opened before the root is entered. @throws ImageError 'LAYER_CORRUPT', 'NO_SPACE', 'UNPACK_FAILED'. */
export async function unpackLayer(
  blob: string,
  targetDir: string,
  calls: FileSystemCalls,
  options: UnpackLayerOptions,
): Promise<LayerReport> {
  const input = new BlobReader(blob, options.growing);
  try {
    if (options.enterRoot) calls.enterRoot(dirname(targetDir));
    const writer = new LayerWriter(options.enterRoot ? `/${basename(targetDir)}` : targetDir, calls);
    try {
      return await unpackStream(input, writer, options);
    } finally {
      writer.abort();
    }
  } finally {
    await input.close();
  }
}

async function unpackStream(
  input: BlobReader,
  writer: LayerWriter,
  { diffId: expected, onProgress }: UnpackLayerOptions,
): Promise<LayerReport> {
  const reader = new TarReader(writer);
  const hash = createHash('sha256');
  let tarSize = 0;
  let unmarkedEnd = false;
  try {
    const { stream, compression } = await decompress(input.stream);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      tarSize += chunk.length;
      reader.write(chunk);
      onProgress?.(input.bytesRead);
    }
    // Bun's zstd gives what it has of a truncated file and says nothing. Where no diff id will tell, the archive must.
    unmarkedEnd = compression === 'zstd' && expected === undefined && !reader.ended;
  } catch (error) {
    throw isDecodingError(error)
      ? corruptLayer(`it cannot be decompressed (${error.message})`, error)
      : unpackError('unpacking a layer', error);
  }
  reader.finish();
  if (unmarkedEnd) throw corruptLayer('the archive is truncated');
  const diffId = `sha256:${hash.digest('hex')}`;
  if (expected !== undefined && diffId !== expected) {
    throw new ImageError({
      code: 'DIFF_ID_MISMATCH',
      message: `the layer's content is ${diffId}, but the image's configuration says ${expected}`,
      hint: 'the image is damaged or was put together wrongly; nothing of this layer was kept',
    });
  }
  return { diffId, tarSize, ...writer.finish() };
}

/** zlib's and zstd's own complaints, such as Z_DATA_ERROR, Z_BUF_ERROR for a truncated file, ZSTD_error_…. */
function isDecodingError(error: unknown): error is Error {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code);
}
