/**
 * `--ipc shareable`: the container's /dev/shm is mounted on the host first, under minidock's own run directory, where
 * only root gets to; the container and those that join it have it by a bind mount. It comes before the container's
 * mount namespace, which begins as a copy of the host's. Pure.
 */
import type { HostStep } from '../../../runtime/plan/step.ts';
import type { OciMount } from '../../../runtime/bundle.ts';
import type { BundleInput } from './bundle-input.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { shmPath, type Paths } from '../state/paths.ts';

export const HOST_SHM = '/dev/shm';
export const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

export function planShm(paths: Paths, { id, spec }: ContainerConfig): readonly HostStep[] {
  if (spec.namespaces?.ipc !== 'shareable') return [];
  const path = shmPath(paths, id);
  const size = spec.shmSize === 0 ? DEFAULT_SHM_SIZE : spec.shmSize;
  const options = `nosuid,noexec,nodev,mode=1777,size=${String(size)}`;
  return [
    {
      id: 'shm.mount',
      section: 'rootfs',
      title: 'Mount the shared memory that other containers may join',
      why:
        'POSIX shared memory (shm_open(3)) is files of a tmpfs on /dev/shm. Mounted on the host, it can be bound into ' +
        'this container and into those started with --ipc container:.',
      without: 'Each container has a /dev/shm of its own, which no other can see.',
      command: { kind: 'run', argv: ['mount', '-t', 'tmpfs', '-o', options, 'shm', path] },
      undo: { kind: 'command', command: { kind: 'run', argv: ['umount', '--lazy', path] } },
      observe: ['findmnt', path],
    },
  ];
}

/** /dev/shm belongs to the IPC namespace: it is shared with it, and `--ipc none` has none. */
export function withShm(
  defaults: readonly OciMount[],
  { config, paths, joined }: Pick<BundleInput, 'config' | 'paths' | 'joined'>,
): readonly OciMount[] {
  const { ipc } = config.spec.namespaces ?? {};
  if (ipc === undefined) return defaults;
  const source = ipc === 'shareable' ? shmPath(paths, config.id) : ipc === 'host' ? HOST_SHM : joined?.shm;
  return defaults.flatMap((mount): readonly OciMount[] => {
    if (mount.destination !== HOST_SHM) return [mount];
    if (source === undefined) return [];
    const options = ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev'];
    return [{ destination: HOST_SHM, type: 'bind', source, options }];
  });
}
