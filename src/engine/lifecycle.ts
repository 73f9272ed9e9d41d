/** Start, stop, kill, wait, rename, remove: what is done to a container that exists, by whoever comes along. */
import { delay } from '../../runtime/io/delay.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import { doneStep, stepSpan, type StepTime } from '../../runtime/plan/step-span.ts';
import { span } from '../../runtime/trace.ts';
import type { Signalling } from './plans/ending-plan.ts';
import { isActive, type ContainerStatus } from './spec/container.ts';
import { tryLock, waitLock } from './state/lock.ts';
import { containerDir, containerLock, pausedPath } from './state/paths.ts';
import { LOST, POLL, recover } from './recovery.ts';
import { findContainer, refresh } from './refresh.ts';
import { removeContainerFiles } from './state/remove-files.ts';
import { waitForShim } from './shim/client/shim-client.ts';
import { signalProcess } from './signal-process.ts';
import { parseSignal } from './spec/signals.ts';
import { startDetached, type StartOptions } from './start.ts';
import { noSuchContainer, type Container, type ContainerStore } from './state/store.ts';
import { untilOver } from './until-over.ts';

/** Milliseconds to wait for a start, or a removal, by another command. */
const PATIENCE = 30_000;

/** @throws MinidockError 'NOT_RUNNING'. */
export function signalContainer(container: Container, signal: number): void {
  const { config, state } = container;
  if (!isActive(state)) {
    throw new MinidockError({
      code: 'NOT_RUNNING',
      message: `cannot kill container: ${config.name}: container ${config.id} is not running`,
    });
  }
  signalProcess(state.pid, state.pidStartTime, signal);
}

export interface StopOptions {
  readonly signal?: string;
  readonly timeout?: number;
  /** Told of each step the shim takes at the end. */
  readonly onStep?: (step: StepTime) => void;
}

/** The stop signal and the grace, by flags or by the container. */
export const signalling = ({ config: { spec } }: Container, options: StopOptions): Signalling => ({
  signal: parseSignal(options.signal ?? spec.stopSignal),
  timeout: options.timeout ?? spec.stopTimeout,
});

/** Stop signal, grace in seconds (negative: without end), then SIGKILL; resolves when the shim is done. */
export async function stopContainer(
  store: ContainerStore,
  container: Container,
  options: StopOptions = {},
): Promise<void> {
  if (!isActive(container.state)) return;
  const { signal, timeout } = signalling(container, options);
  await endProgram(store, container, { signal, timeout }, options.onStep);
}

/** The steps are those of planStop (ending-plan.ts), in its order. */
async function endProgram(
  store: ContainerStore,
  container: Container,
  { signal, timeout }: Signalling,
  onStep: StopOptions['onStep'],
): Promise<void> {
  const heard = Promise.withResolvers<undefined>();
  const told = onStep && { onStep, onHeard: () => heard.resolve(undefined) };
  const ended = untilOver(store, container, waitForShim(store.paths, container.config.id, told), 'force');
  // Without it the program may have ended, and been cleaned up after, before the shim knows that anyone listens.
  if (told !== undefined) await Promise.race([heard.promise, ended]);
  doneStep('stop.signal', () => signalContainer(container, signal));
  if (existsSync(pausedPath(store.paths, container.config.id))) await thaw(store, container);
  const late = await stepSpan([{ id: 'stop.wait' }], async (note) => {
    const first = timeout < 0 ? await ended : await Promise.race([ended, within(timeout, ended)]);
    note({ outcome: 'done' });
    return first === 'late';
  });
  stepSpan([{ id: 'stop.kill' }], (note) => {
    if (late) signalContainer(container, SIGKILL);
    note({ outcome: late ? 'done' : 'already' });
  });
  // Whoever else froze it: not even SIGKILL reaches a frozen process of version 1.
  if (late) await thaw(store, container);
  await ended;
}

async function thaw({ paths }: ContainerStore, container: Container): Promise<void> {
  const { thawToEnd } = await import('./life/pause.ts');
  await thawToEnd(paths, container);
}

const SIGKILL = 9;

/** 'late' after so many seconds, unless `ended` is first. */
async function within(seconds: number, ended: Promise<unknown>): Promise<'late' | undefined> {
  const timer = new AbortController();
  void ended.then(() => timer.abort());
  const { setTimeout: abortable } = process.getBuiltinModule('node:timers/promises');
  return abortable(seconds * 1000, 'late' as const, { signal: timer.signal }).catch(() => undefined);
}

/** Waits for the end of a running container; gives the exit status of one that has ended. */
export async function waitForExit(store: ContainerStore, container: Container): Promise<number> {
  if (!isActive(container.state)) return container.state.exitCode;
  const message = await untilOver(store, container, waitForShim(store.paths, container.config.id));
  if (message !== undefined) return message.exitCode;
  const now = store.read(container.config.id);
  return (now === undefined ? undefined : await refresh(store, now))?.state.exitCode ?? LOST;
}

/**
 * Starts it, or waits for whoever else is starting it: what counts is that it runs. @throws what the shim reports.
 */
export async function startContainer(
  store: ContainerStore,
  container: Container,
  options: StartOptions = {},
): Promise<void> {
  const { id } = container.config;
  const end = Date.now() + PATIENCE;
  for (;;) {
    await recover(store, id);
    try {
      return await startDetached(store.paths, id, options);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ALREADY_RUNNING' || Date.now() > end) throw error;
    }
    if (isActive((await findContainer(store, id)).state)) return;
    // Being started, or on its way out and then to be started again.
    await delay(POLL);
  }
}

export interface RemoveOptions {
  readonly force: boolean;
  readonly volumes: boolean;
  readonly onStep?: StopOptions['onStep'];
}

/** How a container that runs is ended to be removed. */
export const KILL: Signalling = { signal: SIGKILL, timeout: -1 };

/** Kills it first if it runs and that is wanted; waits for a start that is under way. */
export async function removeContainer(
  store: ContainerStore,
  container: Container,
  options: RemoveOptions,
): Promise<void> {
  const { id, name } = container.config;
  const end = Date.now() + PATIENCE;
  for (;;) {
    const known = store.read(id);
    const now = known === undefined ? undefined : await refresh(store, known);
    if (now === undefined) return;
    if (isActive(now.state)) {
      if (!options.force) throw stillRunning(name, now.state.status);
      await endProgram(store, now, KILL, options.onStep);
    }
    await span('undo', 'recover', () => recover(store, id));
    if (span('state', 'remove files', () => removeUnowned(store, id, options))) return;
    if (Date.now() > end) {
      throw new MinidockError({
        code: 'BUSY',
        message: `cannot remove container "/${name}": it is being started or removed by another command`,
        hint: 'Try again in a moment.',
      });
    }
    await span('wait', 'wait for its lock', () => delay(POLL));
  }
}

/** One at a time: a second rename by the name that is being given up finds no such container. */
export function renameContainer(store: ContainerStore, from: string, to: string): void {
  const { id } = store.find(from).config;
  const lock = waitLock(join(containerDir(store.paths, id), 'name.lock'));
  try {
    // Looked up again: a rename that was under way has a moment in which both names lead to the container.
    const { config } = store.find(from);
    if (config.id !== id) throw noSuchContainer(from);
    store.rename(config, to);
  } finally {
    lock.release();
  }
}

/** false while a shim, or another command, holds the container's lock. */
function removeUnowned(store: ContainerStore, id: string, options: { readonly volumes: boolean }): boolean {
  const lock = tryLock(containerLock(store.paths, id));
  if (lock === undefined) return false;
  try {
    const now = store.read(id);
    if (now !== undefined) removeContainerFiles(store, now.config, { volumes: options.volumes });
    return true;
  } finally {
    lock.release();
  }
}

export function stillRunning(name: string, status: ContainerStatus): MinidockError {
  return new MinidockError({
    code: 'STILL_RUNNING',
    message: `cannot remove container "/${name}": container is ${status}${status === 'paused' ? ' and must be unpaused first' : ': stop the container before removing or force remove'}`,
    hint: `minidock stop ${name}, or minidock rm -f ${name}.`,
  });
}
