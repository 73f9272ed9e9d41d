/**
 * A volume that is empty when a container is made gets what the image has at its mount point, as in Docker. The
 * image's view of a path exists only where its layers are mounted together, so a child in a mount namespace of its own
 * mounts them and copies; the mount goes with the child, and so does that of a volume with a file system of its own.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { run } from '../../../runtime/io/spawn.ts';
import type { ContainerConfig, FileSystemSpec, MountSpec } from '../spec/container.ts';
import { containerRunDir, type Paths } from './paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { fillingPath } from './volumes.ts';

export interface CopyRequest {
  /** Top layer first. */
  readonly lower: readonly string[];
  readonly mountPoint: string;
  readonly copies: readonly VolumeCopy[];
}

export interface VolumeCopy {
  /** The path in the image. */
  readonly from: string;
  /** The volume's directory. */
  readonly to: string;
  readonly subpath?: string;
  readonly fileSystem?: FileSystemSpec;
  /** Written before the first file is, so that a copy that is broken off is made anew. */
  readonly filling?: string;
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
    copies: fresh.map((mount) => copyInto(paths, mount)),
  };
  try {
    await runChild(request);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** An anonymous volume goes with its container if that is not made, and of a subpath nobody knows that it is half full. */
const copyInto = (paths: Paths, mount: MountSpec): VolumeCopy => ({
  from: mount.target,
  to: mount.source,
  ...(mount.subpath === undefined ? {} : { subpath: mount.subpath }),
  ...(mount.fileSystem === undefined ? {} : { fileSystem: mount.fileSystem }),
  ...(mount.anonymous === true || mount.subpath !== undefined || mount.volume === undefined
    ? {}
    : { filling: fillingPath(paths, mount.volume) }),
});

async function runChild(request: CopyRequest): Promise<void> {
  const child = [process.execPath, '__copy-volumes', JSON.stringify(request)];
  const words = ['unshare', '--mount', '--propagation', 'private', '--', ...child] as const;
  const { status, stderr } = await run(words, { env: process.env });
  if (status === 0) return;
  throw new MinidockError({
    code: 'VOLUME_COPY_FAILED',
    message: `failed to populate volume: ${stderr.trim()}`,
    exitCode: 125,
  });
}
