/** Making the merged tree the one and only root, and letting go of the host's. */
import type { OciConfig } from '../bundle.ts';
import { containerStep, type ContainerStep } from './step.ts';

export function pivotSteps({ root }: OciConfig): readonly ContainerStep[] {
  return [
    containerStep(
      'rootfs.pivot',
      'rootfs',
      { kind: 'pivot-root', newRoot: root.path, oldRoot: root.path },
      {
        title: 'Make it the root directory',
        why:
          'pivot_root(2) swaps the root of the whole mount namespace. chroot(2) would only move one process’s idea of ' +
          '“/”, and a privileged process can walk back out of that; here there is nowhere left to walk to.',
        without: 'The program sees the host’s files, /etc/shadow included.',
        observe: ['ls', '/'],
      },
    ),
    containerStep(
      'rootfs.seal-host',
      'rootfs',
      { kind: 'seal-mounts', path: '.' },
      {
        title: 'Make what is left of the host’s tree read-only',
        why:
          'minidock’s own program file is still on it, and stays reachable as /proc/self/exe until the container’s ' +
          'program has replaced it. An image that could write to that file would own the host (CVE-2019-5736).',
        without: 'An image whose program is /proc/self/exe could overwrite minidock on the host.',
      },
    ),
    containerStep(
      'rootfs.unmount-host',
      'rootfs',
      { kind: 'umount', target: '.', lazy: true },
      {
        title: 'Unmount the host’s tree',
        why:
          'Takes every mount of the host out of the namespace at once. No path leads to a file of the host any more, ' +
          'except through volumes that were asked for.',
        without: 'A mount of the host is still there, below the new root.',
        observe: ['cat', '/proc/mounts'],
      },
    ),
  ];
}

export function readonlyRootSteps({ root }: OciConfig): readonly ContainerStep[] {
  if (!root.readonly) return [];
  return [
    containerStep(
      'rootfs.make-readonly',
      'isolation',
      { kind: 'mount', source: '', target: '/', type: '', options: ['remount', 'bind', 'ro'] },
      {
        title: 'Make the root directory read-only',
        why:
          'Only the mount is read-only, not the file system beneath, so volumes and tmpfs mounts stay writable. ' +
          'An intruder cannot leave a changed program behind.',
        without: 'Whatever the program writes stays in the container’s upper directory until it is removed.',
        observe: ['grep', ' / ', '/proc/mounts'],
      },
    ),
  ];
}

/** The last step before the process gives its powers away: it must fail rather than start a program that can get out. */
export function verifyStep({ linux }: OciConfig): ContainerStep {
  return containerStep(
    'isolation.verify',
    'isolation',
    { kind: 'verify-root', masked: linux.maskedPaths, readonly: linux.readonlyPaths },
    {
      title: 'Check that nothing of the host is left',
      why:
        'The image may hold links and volumes that were made to mislead the steps above. So PID 1 looks once more: ' +
        '/.. must be /, each mount must be one that was made for the container, and what was hidden must be hidden.',
      without: 'A mistake in an earlier step could start the program with a way to the host’s files.',
      observe: ['cat', '/proc/self/mountinfo'],
    },
  );
}
