/**
 * PID 1 of a container, until it becomes the container's program. `unshare` has just made it, in new namespaces but
 * still with the host's root: it reads the bundle, performs containerSteps one by one, and ends in execve(2).
 *
 *     unshare --mount --uts --ipc --pid --fork        stays behind, waits for the exit status, passes it on
 *       └─ minidock __init BUNDLE SOCKET              this; then the program, same process
 *
 * No death signal ties it to its supervisor: the container must survive the one that started it. Until 'go' the
 * socket does that job, as its end of file is noticed, and the container has run nothing yet.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { OciConfig } from '../bundle.ts';
import { PR_SET_DUMPABLE } from '../syscall/constants.ts';
import { containerKernel as kernel } from '../syscall/file-calls.ts';
import { receiveDescriptors } from '../syscall/pass-descriptors.ts';
import { connectSupervisor, traceTo } from './channel.ts';
import { containerSteps } from './container-steps.ts';
import { newContext } from './context.ts';
import { BUNDLE, HANDED_BUNDLE, INHERITED } from './inherited.ts';
import { leaveChroot } from './own-root.ts';
import { attempt, runSteps } from './run-steps.ts';

export function runInit(bundleDir: string, socketPath: string): void {
  const entered = performance.now();
  // Before anything else: of a process that is not dumpable, nobody without CAP_SYS_PTRACE opens /proc/PID.
  kernel.prctl(PR_SET_DUMPABLE, 0);
  const channel = connectSupervisor(socketPath);
  // /proc is still the host's, so this is the host's number; inside we are 1.
  channel.send({ type: 'hello', pid: Number(readlinkSync('/proc/self')) });
  const begin = channel.waitForBegin();
  if (begin === undefined) return;
  const handed = attempt('process.start', channel, () => receiveHanded(bundleDir, begin.handed));
  const bundle = handed.get(BUNDLE);
  const { config, steps } = attempt('process.start', channel, () => {
    const read = JSON.parse(readFileSync(bundle ?? join(bundleDir, 'config.json'), 'utf8')) as OciConfig;
    return { config: read, steps: containerSteps(read) };
  });
  if (config.annotations?.['minidock.trace'] === 'true') traceTo(channel, entered);
  attempt('process.start', channel, () => leaveChroot(kernel));
  // Modes in steps are meant as they stand.
  kernel.umask(0);
  const { fd } = channel;
  const { root, linux } = config;
  const { hostRoot } = begin;
  const context = newContext(kernel, config.process, linux.seccomp, root.path, fd, hostRoot, handed);
  runSteps(steps, context, channel, {
    failAt: config.annotations?.['minidock.fail-at'],
    stepwise: config.annotations?.['minidock.step'] === 'true',
  });
}

function receiveHanded(bundleDir: string, names: readonly string[]): ReadonlyMap<string, number> {
  if (bundleDir !== HANDED_BUNDLE) return new Map();
  const received = receiveDescriptors(INHERITED.descriptors, names.length);
  return new Map(names.map((name, index) => [name, received[index] ?? -1]));
}
