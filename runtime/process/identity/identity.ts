/**
 * From root with all powers to the container's user with the container's few. The order is forced by the kernel:
 *
 *     bounding set    dropping from it takes CAP_SETPCAP, so it is first
 *     keepcaps        or the change of user would empty the permitted set (capabilities(7), "Effect of user ID changes")
 *     groups, gid     take CAP_SETGID, which the next line gives away
 *     uid
 *     capset          effective, permitted, inheritable; the first two may only shrink
 *     ambient         what survives execve(2) of a plain file for a user who is not root
 *     no_new_privs    binding for all that follow
 */
import type { OciCapabilities } from '../../bundle.ts';
import { MinidockError } from '../../errors.ts';
import * as k from '../../syscall/constants.ts';
import { errnoOf } from '../../syscall/error.ts';
import type { Kernel } from '../../syscall/kernel.ts';
import { capabilityMask } from '../capabilities.ts';

/** An id of setresuid(2) that stays what it is. */
const KEEP = -1;

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly capabilities: OciCapabilities;
  readonly noNewPrivileges: boolean;
}

export function applyIdentity(kernel: Kernel, identity: Identity): void {
  const { capabilities } = identity;
  // While capabilities shrink to those of the container's own processes, these must not become able to trace this
  // one: non-dumpable keeps /proc/PID of it closed to them until execve(2) (CVE-2016-9962).
  kernel.prctl(k.PR_SET_DUMPABLE, 0);
  const held = dropBounding(kernel, capabilityMask(capabilities.bounding));
  kernel.prctl(k.PR_SET_KEEPCAPS, 1);
  takeIds('gid', identity.groups, (groups) => kernel.setgroups(groups));
  takeIds('gid', [identity.gid], () => kernel.setresgid(identity.gid));
  takeIds('uid', [identity.uid], () => kernel.setresuid(identity.uid));
  kernel.prctl(k.PR_SET_KEEPCAPS, 0);
  // A user who is not root loses effective and permitted at execve(2) by the kernel's own rules, as in Docker.
  const permitted = capabilityMask(capabilities.permitted) & held;
  kernel.capset(
    capabilityMask(capabilities.effective) & permitted,
    permitted,
    capabilityMask(capabilities.inheritable) & held,
  );
  kernel.prctl(k.PR_CAP_AMBIENT, k.PR_CAP_AMBIENT_CLEAR_ALL);
  for (const bit of bits(capabilityMask(capabilities.ambient) & held)) {
    kernel.prctl(k.PR_CAP_AMBIENT, k.PR_CAP_AMBIENT_RAISE, bit);
  }
  if (identity.noNewPrivileges) kernel.prctl(k.PR_SET_NO_NEW_PRIVS, 1);
}

/**
 * Does `action` with the rights to files that the user will have, and gives this thread its own back: the saved user
 * id stays root's, and with it the permitted capabilities (capabilities(7)). The groups are not restored.
 */
export function asUser<T>(kernel: Kernel, identity: Identity, action: () => T, firstId = 0): T {
  const { effective, permitted, inheritable } = kernel.capget();
  const isRoot = identity.uid === 0;
  const [uid, gid] = [firstId + identity.uid, firstId + identity.gid];
  const groups = identity.groups.map((group) => firstId + group);
  takeIds('gid', groups, (ids) => kernel.setgroups(ids));
  takeIds('gid', [gid], () => kernel.setresgid(gid, KEEP));
  try {
    takeIds('uid', [uid], () => kernel.setresuid(uid, KEEP));
    // The change to another user has emptied the effective set; root keeps the part that the container's has.
    if (isRoot) {
      kernel.capset(capabilityMask(identity.capabilities.effective) & effective, permitted, inheritable);
    }
    return action();
  } finally {
    kernel.setresuid(0);
    kernel.capset(effective, permitted, inheritable);
    kernel.setresgid(0);
  }
}

/** EINVAL means that the user namespace has no such id; the words are runc's, and the id. */
function takeIds(kind: 'uid' | 'gid', ids: readonly number[], take: (ids: readonly number[]) => void): void {
  try {
    take(ids);
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error;
    // Of several groups, which one: they are tried one by one. What that leaves set ends with this process.
    if (ids.length > 1) for (const id of ids) takeIds(kind, [id], take);
    throw unmapped(kind, ids, error);
  }
}

/**
 * Drops what is not kept, also capabilities newer than our table: the first number the kernel refuses ends the list.
 * Returns those kept that are there at all: where minidock itself runs without one (in a container, or under a
 * service manager that took it away), asking for it would fail, and Docker too grants only what it has.
 */
function dropBounding(kernel: Kernel, kept: bigint): bigint {
  let held = 0n;
  for (let bit = 0; bit < 64; bit++) {
    const mask = 1n << BigInt(bit);
    try {
      if ((kept & mask) === 0n) kernel.prctl(k.PR_CAPBSET_DROP, bit);
      else if (kernel.prctl(k.PR_CAPBSET_READ, bit) === 1) held |= mask;
    } catch (error) {
      if (errnoOf(error) === 'EINVAL') break;
      throw error;
    }
  }
  return held;
}

function bits(mask: bigint): readonly number[] {
  return Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => ((mask >> BigInt(bit)) & 1n) === 1n);
}

function unmapped(kind: 'uid' | 'gid', ids: readonly number[], cause?: unknown): MinidockError {
  const noun = kind === 'uid' ? 'user' : 'group';
  return new MinidockError({
    code: 'EINVAL',
    message: `cannot set ${kind} to unmapped ${noun} ${ids.join(', ')} in user namespace`,
    hint: `The ids that there are here stand in /proc/self/${kind}_map.`,
    cause,
  });
}

/** Checks ids before the process enters the container's user namespace: larger ids would be other users'. */
export function refuseUnmapped({ uid, gid, groups }: Identity): void {
  if (uid >= MAPPED) throw unmapped('uid', [uid]);
  const group = [gid, ...groups].find((id) => id >= MAPPED);
  if (group !== undefined) throw unmapped('gid', [group]);
}

/** As many users as a container has (id-ranges.ts). */
const MAPPED = 0x1_0000;
