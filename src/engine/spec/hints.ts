/**
 * What to do next, for errors of runtime/ that only a flag or a variable of ours helps against: runtime/ knows neither.
 * An error says what failed and in which code; the words are put beside it here, where the error leaves the engine.
 */
import { MinidockError } from '../../../runtime/errors.ts';

type Data = MinidockError['data'];

export const HINTS: Readonly<Record<string, (data: Data) => string>> = {
  NOT_ID_MAPPABLE: () =>
    'Run the container with --userns=host, or keep the files on ext4, xfs, btrfs or tmpfs (tmpfs from Linux 6.3 on; ' +
    'minidock’s own from 5.19 on).',
  NO_IDS: ({ directory = '' }) =>
    `They are the files in ${directory}: stop containers, or run this one with --userns=host.`,
  OVERLAY_REFUSED: () =>
    'Overlayfs keeps a container’s files on ext4, xfs, btrfs or tmpfs, not on another overlay (as in a container) ' +
    'or on NFS: choose such a directory with --root or MINIDOCK_ROOT.',
  DEVICE_IN_SHARED_DIRECTORY: () =>
    'Give the device another path in the container (--device HOST:CONTAINER).',
  DEVICE_FILTER_FAILED: () =>
    'cgroup v2 restricts devices by an eBPF program: the kernel needs CONFIG_CGROUP_BPF, and minidock ' +
    'CAP_BPF or CAP_SYS_ADMIN outside any user namespace; --privileged asks for no restriction',
  TOO_MANY_GROUPS: () => 'The kernel gives a process no more than that. Name one group: --user USER:GROUP.',
  INJECTED: () => 'This is a failure injected by MINIDOCK_FAIL_AT.',
};

/** For an error that comes as data, from another process. */
export const hintFor = (code: string, data: Data = {}): string | undefined => HINTS[code]?.(data);

/** The error's own hint, else what helps against it or against its cause. */
export function hintOf(error: unknown): string | undefined {
  if (!(error instanceof MinidockError)) return undefined;
  return error.hint ?? hintFor(error.code, error.data) ?? hintOf(error.cause);
}
