/**
 * A new volume starts with what the image has at its mount point, as in Docker. The image's view of a path exists
 * only where its layers are mounted together, so a child in a mount namespace of its own mounts them and copies;
 * the mount goes with the child.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { run } from '../../../runtime/io/spawn.ts';
import type { ContainerConfig, MountSpec } from '../spec/container.ts';
import { containerRunDir, type Paths } from './paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';

export interface CopyRequest {
  /** Top layer first. */
  readonly lower: readonly string[];
  readonly mountPoint: string;
  readonly copies: readonly { readonly from: string; readonly to: string }[];
}

export async function fillVolumes(
  paths: Paths,
  config: ContainerConfig,
  fresh: readonly MountSpec[],
): Promise<void> {
  const dir = containerRunDir(paths, config.id);
  const mountPoint = join(dir, 'image');
  ensurePrivateDir(mountPoint);
  const request: CopyRequest = {
    lower: [...config.layers].reverse(),
    mountPoint,
    copies: fresh.map((mount) => ({ from: mount.target, to: mount.source })),
  };
  try {
    await runChild(request);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function runChild(request: CopyRequest): Promise<void> {
  const child = [process.execPath, '__copy-volumes', JSON.stringify(request)];
  const words = ['unshare', '--mount', '--propagation', 'private', '--', ...child] as const;
  const { status, stderr } = await run(words, { env: process.env });
  if (status === 0) return;
  throw new MinidockError({
    code: 'VOLUME_COPY_FAILED',
    message: `cannot fill a new volume from the image: ${stderr.trim()}`,
    exitCode: 125,
  });
}
