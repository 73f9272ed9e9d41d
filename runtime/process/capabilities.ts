/**
 * Capabilities: root's power in 41 separate pieces (capabilities(7)). A container's root keeps fourteen of them,
 * Docker's choice: enough to install packages and serve port 80, too little to mount, load modules or read
 * another process's memory.
 *
 * Names are the kernel's (`CAP_NET_ADMIN`), their order is the kernel's numbering (linux/capability.h), a set is a
 * bit mask. What a set is applied to (bounding, effective …) is PID 1's business; here is only what is in it.
 */
import { readFileSync } from 'node:fs';
import { MinidockError } from '../errors.ts';

/** Index is the capability's number. */
export const CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
];

/** Docker's default set; as a mask 0xa80425fb, which is what `grep CapEff /proc/self/status` shows inside. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_AUDIT_WRITE',
  'CAP_SETFCAP',
];

/** The set as bits, for capset(2). Names the table does not know are refused, since dropping one silently would lie. */
export function capabilityMask(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) {
    const number = CAPABILITIES.indexOf(name);
    if (number < 0) throw unknownCapability(name);
    mask |= 1n << BigInt(number);
  }
  return mask;
}

/** The inverse, in the kernel's order; bits beyond the table (a newer kernel) have no name and are left out. */
export function capabilityNames(mask: bigint): string[] {
  return CAPABILITIES.filter((_, number) => ((mask >> BigInt(number)) & 1n) === 1n);
}

export interface CapabilityRequest {
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly privileged: boolean;
  /** The kernel's highest capability, /proc/sys/kernel/cap_last_cap. */
  readonly lastCap: number;
  /** What this process may hand on; a machine that is itself a container may lack some. All, unless given. */
  readonly available?: bigint;
}

/**
 * Docker's rules, in the order that decides: `--privileged` is everything, whatever is dropped; `--cap-add ALL` is
 * everything but what is dropped; `--cap-drop ALL` is nothing but what is added; otherwise the default set without
 * what is dropped and with what is added. Adding beats dropping the same one. Names come in any case, with or
 * without `CAP_`. The result is in the kernel's order, without duplicates.
 */
export function resolveCapabilities(request: CapabilityRequest): string[] {
  const supported = (1n << BigInt(request.lastCap + 1)) - 1n;
  const available = capabilityNames((request.available ?? supported) & supported);
  const add = normalizeAll(request.capAdd, 'CapAdd', available);
  const drop = normalizeAll(request.capDrop, 'CapDrop', available);

  if (request.privileged) return available;
  if (add.has('ALL')) return available.filter((name) => !drop.has(name));
  if (drop.has('ALL')) return CAPABILITIES.filter((name) => add.has(name));
  return CAPABILITIES.filter(
    (name) => add.has(name) || (DEFAULT_CAPABILITIES.includes(name) && !drop.has(name)),
  );
}

/** The highest capability the running kernel knows. */
export function lastCapability(): number {
  return Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
}

/** What this process may hand on: its bounding set. Less than everything where the machine is itself a container. */
export function availableCapabilities(): bigint {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return BigInt(`0x${bounding ?? '0'}`);
}

/** Everything that can be given here and now: what `--privileged` means. */
export function allCapabilities(): string[] {
  return resolveCapabilities({
    capAdd: [],
    capDrop: [],
    privileged: true,
    lastCap: lastCapability(),
    available: availableCapabilities(),
  });
}

function normalizeAll(
  names: readonly string[],
  field: 'CapAdd' | 'CapDrop',
  available: readonly string[],
): ReadonlySet<string> {
  const result = new Set<string>();
  for (const given of names) {
    const upper = given.trim().toUpperCase();
    const name = upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (name !== 'ALL' && !CAPABILITIES.includes(name)) throw unknownCapability(name, field);
    // Dropping what is not there is already done; adding it cannot be.
    if (name !== 'ALL' && field === 'CapAdd' && !available.includes(name)) {
      throw new MinidockError({
        code: 'CAPABILITY_UNAVAILABLE',
        message: `invalid ${field}: capability not supported by your kernel or not available in the current environment: "${name}"`,
        hint: 'capabilities minidock itself does not hold (see CapBnd in /proc/self/status) cannot be given to a container',
      });
    }
    result.add(name);
  }
  return result;
}

function unknownCapability(name: string, field?: string): MinidockError {
  return new MinidockError({
    code: 'INVALID_CAPABILITY',
    message: `${field === undefined ? '' : `invalid ${field}: `}unknown capability: "${name}"`,
    hint: 'capabilities(7) lists the names; CAP_ may be left out',
  });
}
