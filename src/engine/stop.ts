/**
 * Ends the program of a container: carries out the steps of planStop (plans/stop-plan.ts), one after the other. Its shim
 * does the rest by itself (shim/exit.ts); without a shim, the command that waits does it (until-over.ts).
 */
import { existsSync } from 'node:fs';
import { stepSpan, type StepTime } from '../../runtime/plan/step-span.ts';
import { endsContainer, noteByHand } from './life/manual-stop.ts';
import { planSignal, planStop, planThawToEnd, type StopRequest, type StopStep } from './plans/stop-plan.ts';
import { waitForShim } from './shim/client/shim-client.ts';
import { refuseStopped, signalProcess } from './signal-process.ts';
import { recordEvent } from './state/events/event-log.ts';
import { containerEvent } from './state/events/events.ts';
import { isActive } from './spec/container.ts';
import { pausedPath } from './state/paths.ts';
import { parseSignal } from './spec/signals.ts';
import type { Container, ContainerStore } from './state/store.ts';
import { untilOver } from './until-over.ts';

export interface StopFlags {
  readonly signal?: string;
  readonly timeout?: number;
  /** The restart policy treats a stop by the host in another way, see life/manual-stop.ts. */
  readonly by?: 'hand' | 'host';
}

/** How a container that runs is ended to be removed. */
export const KILL: StopRequest = { signal: 9, timeout: -1 };

/** The stop signal and the grace, by flags or by the container. */
export const stopRequest = ({ config: { spec } }: Container, options: StopFlags): StopRequest => ({
  signal: parseSignal(options.signal ?? spec.stopSignal),
  timeout: options.timeout ?? spec.stopTimeout,
});

type OnStep = (step: StepTime) => void;

/** Resolves when the shim is done. `onStep` receives each step that it takes. */
export async function stopContainer(
  store: ContainerStore,
  container: Container,
  flags: StopFlags,
  onStep?: OnStep,
): Promise<void> {
  if (!isActive(container.state)) return;
  await endProgram(store, container, stopRequest(container, flags), onStep, flags.by);
  recordEvent(store.paths, containerEvent(container.config, 'stop'));
}

/** After SIGKILL the container is gone when this resolves, as with Docker. @throws MinidockError 'NOT_RUNNING'. */
export async function killContainer(
  store: ContainerStore,
  container: Container,
  signal: number,
  onStep?: OnStep,
): Promise<void> {
  refuseStopped(container);
  if (signal === KILL.signal) return endProgram(store, container, KILL, onStep);
  noteByHand(
    store.paths,
    container.config.id,
    endsContainer(container.config.spec, signal) ? 'stopped' : 'signalled',
  );
  for (const step of planKill(container, signal)) await perform(store, container, step, Promise.resolve());
  // Somebody else may have paused it since.
  if (endsContainer(container.config.spec, signal)) await thaw(store, container);
}

/** A signal other than SIGKILL. One that is to end the container must reach it. */
export const planKill = (container: Container, signal: number): readonly StopStep[] => [
  planSignal(container.state, signal),
  ...(endsContainer(container.config.spec, signal) ? planThawToEnd(container) : []),
];

export async function endProgram(
  store: ContainerStore,
  container: Container,
  request: StopRequest,
  onStep?: OnStep,
  by: StopFlags['by'] = 'hand',
): Promise<void> {
  const heard = Promise.withResolvers<undefined>();
  const told = onStep && { onStep, onHeard: () => heard.resolve(undefined) };
  const ended = untilOver(store, container, waitForShim(store.paths, container.config.id, told), 'force');
  // Without it the program may have ended, and been cleaned up after, before the shim knows that anyone listens.
  if (told !== undefined) await Promise.race([heard.promise, ended]);
  noteByHand(store.paths, container.config.id, by === 'host' ? 'host' : 'stopped');
  let over = false;
  for (const step of planStop(container, request)) {
    // Somebody else may have paused it since.
    if (step.command.kind === 'wait' && existsSync(pausedPath(store.paths, container.config.id)))
      await thaw(store, container);
    if (over) stepSpan([step], (note) => note({ outcome: 'already' }));
    else over = await perform(store, container, step, ended);
  }
  if (!over) await thaw(store, container);
  await ended;
}

async function thaw({ paths }: ContainerStore, container: Container): Promise<void> {
  const { thawToEnd } = await import('./life/pause.ts');
  await thawToEnd(paths, container);
}

/** Whether the program is known to have ended by that. */
async function perform(
  store: ContainerStore,
  container: Container,
  step: StopStep,
  ended: Promise<unknown>,
): Promise<boolean> {
  const { command } = step;
  if (command.kind !== 'signal' && command.kind !== 'wait') {
    const { isPaused, thawToEnd } = await import('./life/pause.ts');
    // On version 2 SIGKILL ends a frozen process, too.
    if (isPaused(container.config)) await thawToEnd(store.paths, container, [{ ...step, command }]);
    else stepSpan([step], (note) => note({ outcome: 'already' }));
    return false;
  }
  return stepSpan([step], async (note) => {
    const over = command.kind === 'wait' && (await isOverWithin(command.seconds, ended));
    if (command.kind === 'signal') {
      const signal = parseSignal(command.signal);
      // Before the end that it may cause: a follower sees the signal first.
      recordEvent(store.paths, containerEvent(container.config, 'kill', { signal: String(signal) }));
      signalProcess(command.pid, command.start, signal);
    }
    note({ outcome: 'done' });
    return over;
  });
}

/** False if so many seconds pass first. */
async function isOverWithin(seconds: number, ended: Promise<unknown>): Promise<boolean> {
  if (seconds < 0) return ended.then(() => true);
  const timer = new AbortController();
  const { setTimeout: abortable } = process.getBuiltinModule('node:timers/promises');
  const late = abortable(seconds * 1000, false, { signal: timer.signal }).catch(() => true);
  void ended.then(() => timer.abort());
  return Promise.race([ended.then(() => true), late]);
}
