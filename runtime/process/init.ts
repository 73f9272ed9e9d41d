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
import { loadErrorNames } from '../syscall/ffi.ts';
import { receiveDescriptors } from '../syscall/pass-descriptors.ts';
import { compileFilter } from './perform.ts';
import { connectSupervisor, traceTo } from './channel.ts';
import { containerSteps } from './container-steps.ts';
import { newContext } from './context.ts';
import { BUNDLE, HANDED_BUNDLE, INHERITED } from './inherited.ts';
import { leaveChroot } from './own-root.ts';
import type { ContainerStep } from '../rootfs/step.ts';
import { attempt, runSteps } from './run-steps.ts';

export function runInit(bundleDir: string, socketPath: string): void {
  const entered = performance.now();
  // Before anything else: of a process that is not dumpable, nobody without CAP_SYS_PTRACE opens /proc/PID.
  kernel.prctl(PR_SET_DUMPABLE, 0);
  const channel = connectSupervisor(socketPath);
  // /proc is still the host's, so this is the host's number; inside we are 1.
  channel.send({ type: 'hello', pid: Number(readlinkSync('/proc/self')) });
  loadErrorNames();
  let work: Work | undefined;
  const begin = channel.waitForBegin(() => {
    const { config, steps } = attempt('process.start', channel, () =>
      readBundle(join(bundleDir, 'config.json')),
    );
    const filter = attempt('process.load-seccomp', channel, () => compileFilter(config.linux.seccomp));
    work = { config, steps, filter };
  });
  if (begin === undefined) return;
  const handed = attempt('process.start', channel, () => receiveHanded(bundleDir, begin.handed));
  const { config, steps, filter }: Work =
    work ??
    attempt('process.start', channel, () => readBundle(handed.get(BUNDLE) ?? join(bundleDir, 'config.json')));
  if (config.annotations?.['minidock.trace'] === 'true') traceTo(channel, entered);
  attempt('process.start', channel, () => leaveChroot(kernel));
  // Modes in steps are meant as they stand.
  kernel.umask(0);
  const { fd } = channel;
  const { process: asked, root, linux } = config;
  const program = { ...asked, env: [...asked.env, ...begin.env] };
  const { hostRoot } = begin;
  const context = newContext(kernel, program, linux.seccomp, root.path, fd, hostRoot, handed);
  context.filter = filter;
  runSteps(steps, context, channel, {
    failAt: config.annotations?.['minidock.fail-at'],
    stepwise: config.annotations?.['minidock.step'] === 'true',
  });
}

interface Work {
  readonly config: OciConfig;
  readonly steps: readonly ContainerStep[];
  /** Compiled, where there was time for it. */
  readonly filter?: Uint8Array | undefined;
}

/** By its path or its descriptor. */
function readBundle(file: string | number): Work {
  const config = JSON.parse(readFileSync(file, 'utf8')) as OciConfig;
  return { config, steps: containerSteps(config) };
}

function receiveHanded(bundleDir: string, names: readonly string[]): ReadonlyMap<string, number> {
  if (bundleDir !== HANDED_BUNDLE) return new Map();
  const received = receiveDescriptors(INHERITED.descriptors, names.length);
  return new Map(names.map((name, index) => [name, received[index] ?? -1]));
}
