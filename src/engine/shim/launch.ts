/**
 * From a plan to a running program: the first process in its new namespaces, what is set up beside it meanwhile, the
 * conversation with it (init-protocol.ts), its terminal. Undoing is the caller's, who holds the journal.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { delay } from '../../../runtime/io/delay.ts';
import { spawn, type Spawned } from '../../../runtime/io/spawn.ts';
import { applySteps, type ApplyOptions } from '../../../runtime/plan/apply.ts';
import { isFailing } from '../../../runtime/plan/fault.ts';
import { StepError } from '../../../runtime/plan/step-error.ts';
import { withPid } from '../../../runtime/plan/first-pid.ts';
import { stepSpan } from '../../../runtime/plan/step-span.ts';
import type { HostStep } from '../../../runtime/plan/step.ts';
import { requireTool } from '../../../runtime/plan/tools.ts';
import type { Handed } from '../../../runtime/rootfs/host-mounts.ts';
import type { InitTrace } from '../../../runtime/process/init-trace.ts';
import { SHORT_LIVED } from '../../../runtime/process/namespace-command.ts';
import {
  fetchTerminal,
  InitError,
  listenForInit,
  type InitFailure,
  type InitListener,
  type Pause,
} from '../../../runtime/process/supervise.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { isTraced, span } from '../../../runtime/trace.ts';
import { planAttachment, planStart, splitNetwork, type RunPlan, type StartInput } from '../plans/run-plan.ts';
import type { Attachment } from '../network/attachment.ts';
import type { Joined } from '../plans/bundle-input.ts';
import { hintFor } from '../spec/hints.ts';
import type { Inheritance } from './mapped.ts';
import type { ChildStdio, ContainerStdio } from './stdio.ts';

/** Milliseconds for a message that was sent before its sender's end to be read. */
const LAST_WORDS = 200;

/** PID 1 as it enters its namespaces, and its message channel. */
export interface Started {
  readonly step: HostStep;
  readonly init: InitListener;
  readonly first: FirstProcess;
  readonly trace: InitTrace;
  /** With a user namespace of its own: the socket for descriptors that it cannot open itself. */
  readonly mapped?: {
    readonly here: number;
    readonly bundleDir: string;
    /** Its namespaces are there, in the hands of `first`. */
    readonly ready: Promise<void>;
  };
}

/** The shim's own child, which `unshare` stays to be: it waits for the program and ends as it does. */
export interface FirstProcess {
  readonly pid: number;
  /** Its pidfd: readable once it has ended (pidfd_open(2)). */
  readonly pidfd: number;
  /** Resolves to its exit status, 128 + N after signal N. */
  readonly exited: Promise<number>;
}

/** Before 'begin' PID 1 exits when its supervisor does, so nothing is journalled here. */
export async function startFirst(
  places: StartInput,
  stdio: ContainerStdio,
  trace: InitTrace,
  pause?: Pause,
): Promise<Started> {
  const step = planStart(places);
  const init = await span('wait', 'listen for PID 1', () => listenForInit(places.socketPath, trace, pause));
  try {
    const inherited = places.mapping === undefined ? undefined : await inherit(places);
    trace.spawning();
    const first = stepSpan([step], (note) => {
      const spawned = spawnFirst(step, stdio.open(places.mapping?.hostID), inherited?.fds);
      note({ outcome: 'done' });
      return spawned;
    });
    inherited?.close();
    const { bundleDir, mapping } = places;
    if (inherited === undefined || mapping === undefined) return { step, init, first, trace };
    const { usersOf } = await import('./mapped.ts');
    const mapped = { here: inherited.here, bundleDir, ready: Promise.resolve() };
    const started = { step, init, first, trace, mapped };
    mapped.ready = usersOf(first.pid, mapping, first.exited).then(async (there) => {
      // It has ended: report that error.
      if (!there) await pidOf(started);
    });
    mapped.ready.catch(() => undefined);
    return started;
  } catch (error) {
    init.close();
    throw error;
  }
}

const inherit = async ({ binary, socketPath }: StartInput): Promise<Inheritance> =>
  (await import('./mapped.ts')).inheritance(binary, socketPath);

/** Its number on the host, as soon as it says so. @throws MinidockError if it ends before. */
export async function pidOf({ init, first, mapped }: Started): Promise<number> {
  const early = first.exited.then((code): never => {
    throw new MinidockError({
      code: 'INIT_DIED',
      message: `the container's first process ended with status ${String(code)} before the program began`,
      exitCode: 125,
      ...(mapped === undefined ? {} : { hint: NO_USER_NAMESPACE }),
    });
  });
  early.catch(() => undefined);
  return Promise.race([init.hello.then(({ pid }) => pid), early]);
}

const NO_USER_NAMESPACE =
  'It was to make a user namespace: that takes util-linux 2.39 and, in "sysctl user.max_user_namespaces", more than ' +
  'there are; in a chroot the kernel allows none. --userns=host goes without.';

/** Hung up on, PID 1 ends by itself; what it was about to use must not be undone under its hands. */
export async function abandon({ init, first }: Started): Promise<void> {
  init.close();
  await first.exited.catch(() => undefined);
}

/** What PID 1 needs of the network before it begins. Takes `ip` some milliseconds, in which the plan can be made. */
export function startWiring(attachment: Attachment, options: ApplyOptions, started: Started): Promise<void> {
  const { before } = splitNetwork(planAttachment(attachment, started.mapped !== undefined));
  // A namespace that is made with the process: `unshare` is in it, too.
  const wiring =
    started.mapped === undefined
      ? applySteps(before, options)
      : started.mapped.ready.then(() => applySteps(withPid(before, started.first.pid), options));
  // Its failure is found when it is waited for.
  wiring.catch(() => undefined);
  return wiring;
}

export interface Launch {
  readonly plan: RunPlan;
  readonly wiring: Promise<void>;
  readonly started: Started;
  readonly options: ApplyOptions;
  readonly stdio: ContainerStdio;
  /** Whose namespaces it joins. */
  readonly joined?: Joined | undefined;
  /** Variables that no file has. */
  readonly secretEnv?: readonly string[] | undefined;
  /** Of the terminal that waits for the container; undefined without one. */
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
}

/** Waits for all, since the undo would miss steps that are still running. */
async function allOf(rows: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(rows);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** The running program's pid, as the host sees it. @throws MinidockError; what was started is then to be abandoned. */
export async function launch(request: Launch): Promise<number> {
  const { plan, options, started } = request;
  const { beside } = splitNetwork(plan.network);
  if (started.mapped === undefined) started.init.read();
  const mounts = prepareMounts(request);
  await allOf([request.wiring, applySteps(plan.cgroup, options), mounts.then(() => undefined)]);
  if (request.joined !== undefined) {
    const { stillThere } = await import('../joined.ts');
    await pidOf(started);
    stillThere(request.joined);
  }
  // From here on it may outlive this process.
  options.journal.record([started.step]);
  if (isFailing(started.step.id, options.failAt))
    throw new StepError(started.step, new MinidockError({ code: 'INJECTED', message: 'failure injected' }));
  const handed = await handOverTo(request, await mounts);
  started.init.begin(handed, request.secretEnv);
  try {
    return await awaitProgram(request, allOf(beside.map((steps) => applySteps(steps, options))));
  } catch (error) {
    throw error instanceof InitError ? initError(error.failure, plan) : error;
  }
}

async function prepareMounts({ plan, started: { mapped, first } }: Launch): Promise<readonly Handed[]> {
  if (mapped === undefined) return [];
  const { makeMounts } = await import('./mapped.ts');
  await mapped.ready;
  return makeMounts(plan, first.pid);
}

async function handOverTo(
  { plan, started, options }: Launch,
  handed: readonly Handed[],
): Promise<readonly string[]> {
  if (started.mapped === undefined) return [];
  const { handOver } = await import('./mapped.ts');
  return handOver(plan, await pidOf(started), handed, started.mapped, options);
}

/** From the process in its new namespaces to the running program, whose pid it gives. */
async function awaitProgram(
  { plan, stdio, size, started: { init, first, trace } }: Launch,
  network: Promise<void>,
): Promise<number> {
  let begun = false;
  // Do not wait for a child that died before hello. Its reason, if it sent one, is about to arrive.
  const early = first.exited.then(async (code): Promise<never> => {
    // A later end is the program's; a timer would only keep the shim awake.
    const failure = begun ? undefined : await Promise.race([init.result, delay(LAST_WORDS)]);
    if (failure !== undefined) throw new InitError(failure);
    throw new MinidockError({
      code: 'INIT_DIED',
      message: `the container's first process ended with status ${String(code)} before the program began`,
      exitCode: 125,
    });
  });
  for (const promise of [early, network, init.hello, init.ready]) promise.catch(() => undefined);
  try {
    const [{ pid }] = await span('wait', 'wait for PID 1 and the network', () =>
      Promise.race([Promise.all([init.hello, network]), early]),
    );
    const ready = await span('wait', 'wait until PID 1 is ready', () => Promise.race([init.ready, early]));
    if (ready.terminalFd !== undefined) {
      stdio.useTerminal(fetchTerminal(pid, ready.terminalFd));
      if (size !== undefined) stdio.resize(size.rows, size.columns);
    }
    init.go();
    const failure = await span('wait', 'wait for execve', () => init.result);
    begun = true;
    if (failure !== undefined) throw new InitError(failure);
    // execve(2) has closed the socket, which is the only report it can give.
    if (isTraced()) {
      const last = plan.container.at(-1);
      if (last?.command.kind === 'exec') trace.executed(last.id, last.command);
    }
    return pid;
  } finally {
    // The undo would miss concurrent steps that are still running.
    await network.catch(() => undefined);
  }
}

function spawnFirst(step: HostStep, stdio: ChildStdio, inherited: readonly number[] = []): FirstProcess {
  if (step.command.kind !== 'run') throw new Error('process.start is a program');
  try {
    requireTool(step.command.argv[0]);
  } catch (error) {
    throw new StepError(step, error);
  }
  let child: Spawned;
  try {
    const env = { ...SHORT_LIVED, PATH: process.env['PATH'] };
    child = spawn(step.command.argv, { stdio: [...stdio.child, ...inherited], cwd: '/', env });
  } catch (error) {
    throw new StepError(step, error);
  } finally {
    stdio.closeChildEnds();
  }
  return { pid: child.pid, pidfd: kernel.pidfdOpen(child.pid), exited: child.exited };
}

/** In Docker's words where the program itself is at fault, else with the step's name. */
function initError(failure: InitFailure, plan: RunPlan): MinidockError {
  const step = plan.container.find((candidate) => candidate.id === failure.step);
  const message =
    step === undefined || failure.exitCode !== 125
      ? failure.message
      : `step ${step.id} (${step.title}) failed: ${failure.message}`;
  const hint = failure.hint ?? hintFor(failure.code);
  return new MinidockError({
    code: failure.code || 'INIT_FAILED',
    message,
    exitCode: failure.exitCode,
    ...(hint === undefined ? {} : { hint }),
  });
}
