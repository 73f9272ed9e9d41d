/**
 * Starting a container with a user namespace of its own (--userns=auto): PID 1 is unprivileged on the machine; it
 * inherits or receives what it cannot open or create itself (runtime/process/inherited.ts,
 * runtime/rootfs/host-mounts.ts).
 */
import { chmodSync, closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { OciIdMapping } from '../../../runtime/bundle.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { delay } from '../../../runtime/io/delay.ts';
import { applySteps, type ApplyOptions } from '../../../runtime/plan/apply.ts';
import { StepError } from '../../../runtime/plan/step-error.ts';
import { withPid } from '../../../runtime/plan/first-pid.ts';
import { BUNDLE } from '../../../runtime/process/inherited.ts';
import { makeHostMounts, type Handed } from '../../../runtime/rootfs/host-mounts.ts';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { containerKernel as kernel } from '../../../runtime/syscall/file-calls.ts';
import { sendDescriptors } from '../../../runtime/syscall/pass-descriptors.ts';
import { socketPair } from '../../../runtime/syscall/sockets.ts';
import { span } from '../../../runtime/trace.ts';
import type { RunPlan } from '../plans/run-plan.ts';

export interface Inheritance {
  /** By number from 3 on, as inherited.ts has them. */
  readonly fds: readonly [binary: number, socket: number, descriptors: number];
  /** Our end of the last. */
  readonly here: number;
  /** To be called once the child has them. */
  close(): void;
}

export function inheritance(binary: string, socketPath: string): Inheritance {
  requireReadable(binary);
  // In a directory that only root may enter: the descriptor is the only way to it.
  chmodSync(socketPath, 0o666);
  const { here, there } = socketPair();
  const fds = [openSync(binary, O_PATH), openSync(socketPath, O_PATH), there] as const;
  return { fds, here, close: () => fds.forEach((fd) => closeSync(fd)) };
}

/** The program file is executed by a user who owns nothing, and reads itself. */
function requireReadable(binary: string): void {
  if ((statSync(binary).mode & 0o005) === 0o005) return;
  throw new MinidockError({
    code: 'BINARY_CLOSED',
    message: `${binary} may not be read and executed by everyone, which --userns=auto needs`,
    hint: `chmod 755 ${binary}`,
    exitCode: 125,
  });
}

/** Milliseconds between looks at what unshare has done. */
const LOOK = 1;

/**
 * Resolves when `unshare`, of that number, has made its namespaces and has its users: long before PID 1, its child, is
 * up and says hello. Until then the network can be plugged in and the mounts be made. False when it has ended.
 */
export async function usersOf(
  unshare: number,
  { hostID }: OciIdMapping,
  ended: Promise<unknown>,
): Promise<boolean> {
  let over = false;
  const end = (): void => void (over = true);
  ended.then(end, end);
  const has = (map: string): boolean => {
    try {
      return readFileSync(`/proc/${unshare}/${map}`, 'utf8').includes(` ${hostID} `);
    } catch {
      return false; // It has just ended, which is noticed next.
    }
  };
  while (!(has('uid_map') && has('gid_map'))) {
    if (over) return false;
    await delay(LOOK);
  }
  return true;
}

/** The mounts of a plan, for the users of process `pid`. @throws StepError. */
export const makeMounts = ({ container, mapping }: RunPlan, pid: number): readonly Handed[] =>
  mapping === undefined
    ? []
    : span('work', 'make its mounts', () =>
        makeHostMounts(kernel, container, mapping, pid, (step, error) => {
          throw new StepError(step, error);
        }),
      );

/** Between `hello` and `begin`: returns the description of the sent descriptors for `begin`. @throws StepError. */
export async function handOver(
  plan: RunPlan,
  pid: number,
  handed: readonly Handed[],
  { here, bundleDir }: { readonly here: number; readonly bundleDir: string },
  options: ApplyOptions,
): Promise<readonly string[]> {
  await applySteps(withPid(plan.fromOutside, pid), options);
  return span('work', 'hand over its mounts', () => {
    const bundle = openSync(join(bundleDir, 'config.json'), 'r');
    const sent = [{ step: BUNDLE, fd: bundle }, ...handed];
    try {
      sendDescriptors(
        here,
        sent.map(({ fd }) => fd),
      );
      return sent.map(({ step }) => step);
    } finally {
      for (const { fd } of [...sent, { fd: here }]) closeSync(fd);
    }
  });
}
