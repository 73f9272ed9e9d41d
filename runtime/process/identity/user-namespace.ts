/** Whether this process lives in a user namespace other than the machine's own (user_namespaces(7)), and what it has there. */
import { readFileSync } from 'node:fs';

export interface UserNamespace {
  /** Groups from 0 up to this one are there. */
  readonly lastGid: number;
}

/** Only the first user namespace counts all 2^32 - 1 ids, and each as itself. */
const ALL_IDS = /^\s*0\s+0\s+4294967295\s*$/;

/**
 * undefined in the machine's own. In another even root is refused what would reach the machine: nodes of devices, rules
 * about devices, the attributes `trusted.*`. What a container needs of them is had another way (USER_NAMESPACE).
 */
export function userNamespace(): UserNamespace | undefined {
  if (ALL_IDS.test(readFileSync('/proc/self/uid_map', 'utf8'))) return undefined;
  return { lastGid: lastMapped(readFileSync('/proc/self/gid_map', 'utf8')) };
}

/** The end of what is mapped without a gap from 0 on, in as many lines as it takes (a rootless Podman has two). */
export function lastMapped(map: string): number {
  const extents = map
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .sort(([a = 0], [b = 0]) => a - b);
  return extents.reduce((end, [first, , count = 0]) => (first === end ? end + count : end), 0) - 1;
}
