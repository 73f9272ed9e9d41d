/**
 * An instruction's layer in the making: the upper directory of an overlay over the stage's layers, below the image
 * store, so that it becomes a layer by rename(2). What is unfinished goes with this process.
 */
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, renameSync, utimesSync } from 'node:fs';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { join } from 'node:path';
import type { ImageStore } from '../../../images/store/image-store.ts';
import { writeBuiltLayer } from '../../engine/files/layer.ts';
import { removeTree } from '../../engine/state/remove-tree.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { beginStep } from '../build-steps.ts';
import { openMerged } from './merged.ts';

export interface NewLayer {
  readonly work: string;
  /** Holds `upper` and `work`, as the overlay of a container does. */
  readonly overlay: string;
  readonly upper: string;
}

export interface BuiltLayer {
  readonly diffId: string;
  /** Bytes of its files. */
  readonly size: number;
}

export async function beginLayer(store: ImageStore): Promise<NewLayer> {
  const work = await store.prepareLayer();
  const overlay = join(work, 'overlay');
  for (const name of ['empty', 'merged', 'overlay', 'overlay/upper', 'overlay/work'])
    mkdirSync(join(work, name), { mode: 0o755 });
  return { work, overlay, upper: join(overlay, 'upper') };
}

/** The stage's files with the new layer on top, to be written to. The caller closes it. */
export const openStage = ({ work, overlay, upper }: NewLayer, layers: readonly string[]): number =>
  openMerged(layers.length === 0 ? [join(work, 'empty')] : layers, join(work, 'merged'), {
    upper,
    work: join(overlay, 'work'),
  });

/** What does not go yet, because a container that is being killed still writes to it, is the next build's to sweep. */
export function discardLayer({ work }: NewLayer): void {
  try {
    removeTree(work);
  } catch (error) {
    if (errnoOf(error) === '') throw error;
  }
}

/** `epoch`: no time of a file is later (SOURCE_DATE_EPOCH, nanoseconds). */
export async function endLayer(
  store: ImageStore,
  { work, upper }: NewLayer,
  epoch: bigint | undefined,
): Promise<BuiltLayer> {
  let size = 0;
  beginStep('layer.write');
  const { digest, bytes } = await writeBlob(store, (write) =>
    writeBuiltLayer(upper, write, (entry, fd) => {
      if (entry.type === 'file') size += entry.size;
      if (entry.type === 'symlink') size += entry.linkpath.length;
      if (epoch === undefined || entry.mtime <= epoch) return entry;
      // Of the file too: the directory becomes the layer, and must be what its blob says.
      const seconds = Number(epoch / 1_000_000_000n);
      utimesSync(`/proc/self/fd/${String(fd)}`, seconds, seconds);
      return { ...entry, mtime: epoch };
    }),
  );
  beginStep('layer.keep');
  renameSync(upper, join(work, 'fs'));
  for (const name of ['empty', 'merged', 'overlay']) removeTree(join(work, name));
  const report = {
    diffId: digest,
    tarSize: bytes,
    size,
    impliedDirs: [],
    danglingLinks: [],
    opaqueRoot: false,
  };
  await store.adoptLayer(work, { blob: digest, report });
  return { diffId: digest, size };
}

type Write = (bytes: Uint8Array) => void | Promise<void>;

async function writeBlob(
  { blobs }: ImageStore,
  produce: (write: Write) => Promise<void>,
): Promise<{ readonly digest: string; readonly bytes: number }> {
  const temporary = await blobs.temporaryPath();
  try {
    const file = createWriteStream(temporary, { flags: 'wx', mode: 0o600, highWaterMark: 1 << 20 });
    const hash = createHash('sha256');
    let bytes = 0;
    // A full disk, say. It may come at any time, also between two chunks.
    let failure: Error | undefined;
    file.on('error', (error) => (failure ??= error));
    try {
      await produce(async (chunk) => {
        if (failure !== undefined) throw failure;
        hash.update(chunk);
        bytes += chunk.length;
        if (!file.write(chunk)) await once(file, 'drain');
      });
    } finally {
      file.end();
    }
    await finished(file);
    const digest = `sha256:${hash.digest('hex')}`;
    await blobs.commit(temporary, digest, bytes, digest);
    return { digest, bytes };
  } finally {
    await rm(temporary, { force: true });
  }
}
