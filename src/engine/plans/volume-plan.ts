/** Volumes with a file system of their own (`volume create -o type=… -o device=…`), mounted on the host. Pure. */
import type { HostStep } from '../../../runtime/plan/step.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { volumeUsersDir, type Paths } from '../state/paths.ts';

export function planVolumes(paths: Paths, { id, spec }: ContainerConfig): readonly HostStep[] {
  const mounts = new Map(spec.mounts.map((mount) => [mount.volume, mount]));
  return [...mounts.values()].flatMap(({ volume, source, fileSystem }): readonly HostStep[] => {
    if (volume === undefined || fileSystem === undefined) return [];
    const { type, device, options } = fileSystem;
    const use = { target: source, users: volumeUsersDir(paths, volume), user: id };
    return [
      {
        id: `volume.mount:${volume}`,
        section: 'rootfs',
        title: `Mount the file system of the volume ${volume}`,
        why:
          `The volume is a file system of its own: ${type} of ${device}. The first container that uses it has it ` +
          'mounted on the volume’s directory, on the host, and the last one has it unmounted; a file for each tells ' +
          'who is first and last.',
        without: 'The container sees the empty directory below, and writes to the host’s disk.',
        command: { kind: 'mount-volume', source: device, type, options, ...use },
        undo: { kind: 'command', command: { kind: 'unmount-volume', ...use } },
        observe: ['findmnt', source],
      },
    ];
  });
}
