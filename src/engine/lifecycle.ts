/** Start, stop, kill, wait, rename, remove: what is done to a container that exists, by whoever comes along. */
import { delay } from '../../runtime/io/delay.ts';
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import { span } from '../../runtime/trace.ts';
import { kernel } from '../../runtime/syscall/libc.ts';
import { tryLock, waitLock } from './lock.ts';
import { containerDir, containerLock } from './paths.ts';
import { isSameProcess } from './process-identity.ts';
import { LOST, POLL, recover } from './recovery.ts';
import { findContainer, refresh } from './refresh.ts';
import { removeContainerFiles } from './remove-files.ts';
import { waitForShim } from './shim-client.ts';
import { parseSignal } from './signals.ts';
import { startDetached, type StartOptions } from './start.ts';
import { noSuchContainer, type Container, type ContainerStore } from './store.ts';

/** Milliseconds to wait for a start, or a removal, by another command. */
const PATIENCE = 30_000;

/** @throws MinidockError 'NOT_RUNNING'. */
export function signalContainer(container: Container, signal: number): void {
  const { config, state } = container;
  if (state.status !== 'running') {
    throw new MinidockError({
      code: 'NOT_RUNNING',
      message: `cannot kill container: ${config.name}: container ${config.id} is not running`,
    });
  }
  // The pidfd pins the process first; the start time then proves that it is the one that was meant.
  let pidfd: number;
  try {
    pidfd = kernel.pidfdOpen(state.pid);
  } catch (error) {
    if (isGoneError(error)) return;
    throw error;
  }
  try {
    if (isSameProcess(state.pid, state.pidStartTime)) kernel.pidfdSendSignal(pidfd, signal);
  } catch (error) {
    if (!isGoneError(error)) throw error;
  } finally {
    kernel.close(pidfd);
  }
}

/** The process ended between two looks: what was wanted of it has come about by itself. */
function isGoneError(error: unknown): boolean {
  return (error as { errno?: string }).errno === 'ESRCH';
}

/** Stop signal, grace in seconds (negative: without end), then SIGKILL; resolves when the shim is done. */
export async function stopContainer(
  store: ContainerStore,
  container: Container,
  options: { readonly signal?: string; readonly timeout?: number } = {},
): Promise<void> {
  if (container.state.status !== 'running') return;
  const { spec, id } = container.config;
  const ended = waitForShim(store.paths, id);
  const timeout = options.timeout ?? spec.stopTimeout;
  signalContainer(container, parseSignal(options.signal ?? spec.stopSignal));
  if (timeout >= 0) {
    const timer = new AbortController();
    const { setTimeout: abortable } = process.getBuiltinModule('node:timers/promises');
    const late = abortable(timeout * 1000, 'late' as const, { signal: timer.signal }).catch(() => undefined);
    const first = await Promise.race([ended, late]);
    timer.abort();
    if (first === 'late') signalContainer(container, 9);
  }
  await ended;
}

/** Waits for the end of a running container; gives the exit status of one that has ended. */
export async function waitForExit(store: ContainerStore, container: Container): Promise<number> {
  if (container.state.status !== 'running') return container.state.exitCode;
  const message = await waitForShim(store.paths, container.config.id);
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
    if ((await findContainer(store, id)).state.status === 'running') return;
    // Being started, or on its way out and then to be started again.
    await delay(POLL);
  }
}

/** Kills it first if it runs and that is wanted; waits for a start that is under way. */
export async function removeContainer(
  store: ContainerStore,
  container: Container,
  options: { readonly force: boolean; readonly volumes: boolean },
): Promise<void> {
  const { id, name } = container.config;
  const end = Date.now() + PATIENCE;
  for (;;) {
    const known = store.read(id);
    const now = known === undefined ? undefined : await refresh(store, known);
    if (now === undefined) return;
    if (now.state.status === 'running') {
      if (!options.force) throw stillRunning(name);
      const ended = waitForShim(store.paths, id);
      signalContainer(now, 9);
      await ended;
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
  const { id, name } = store.find(from).config;
  const lock = waitLock(join(containerDir(store.paths, id), 'name.lock'));
  try {
    const config = store.read(id)?.config;
    if (config?.name !== name) throw noSuchContainer(from);
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

function stillRunning(name: string): MinidockError {
  return new MinidockError({
    code: 'STILL_RUNNING',
    message: `cannot remove container "/${name}": container is running: stop the container before removing or force remove`,
    hint: `minidock stop ${name}, or minidock rm -f ${name}.`,
  });
}
