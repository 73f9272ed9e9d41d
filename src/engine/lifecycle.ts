/** Stop, kill, wait, remove: what is done to a container that exists, by whoever comes along. */
import { setTimeout as delay } from 'node:timers/promises';
import { MinidockError } from '../../runtime/errors.ts';
import { kernel } from '../../runtime/syscall/libc.ts';
import { tryLock } from './lock.ts';
import { containerLock } from './paths.ts';
import { isSameProcess } from './process-identity.ts';
import { LOST, recover, refresh } from './recovery.ts';
import { removeContainerFiles } from './remove-files.ts';
import { waitForShim } from './shim-client.ts';
import { parseSignal } from './signals.ts';
import type { Container, ContainerStore } from './store.ts';

/** By name, id or prefix, with a state that is true now. */
export async function findContainer(store: ContainerStore, reference: string): Promise<Container> {
  return (await refresh(store, store.find(reference))) ?? store.find(reference);
}

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
    const late = delay(timeout * 1000, 'late' as const, { signal: timer.signal }).catch(() => undefined);
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

export async function removeContainer(
  store: ContainerStore,
  container: Container,
  options: { readonly force: boolean; readonly volumes: boolean },
): Promise<void> {
  const { config, state } = container;
  if (state.status === 'running') {
    if (!options.force) {
      throw new MinidockError({
        code: 'STILL_RUNNING',
        message: `cannot remove container "/${config.name}": container is running: stop the container before removing or force remove`,
        hint: `minidock stop ${config.name}, or minidock rm -f ${config.name}.`,
      });
    }
    const ended = waitForShim(store.paths, config.id);
    signalContainer(container, 9);
    await ended;
  }
  await recover(store, config.id);
  if (store.read(config.id) === undefined) return;
  const lock = tryLock(containerLock(store.paths, config.id));
  if (lock === undefined) {
    if (store.read(config.id) === undefined) return;
    throw new MinidockError({
      code: 'BUSY',
      message: `cannot remove container "/${config.name}": it is being started or removed by another command`,
      hint: 'Try again in a moment.',
    });
  }
  try {
    removeContainerFiles(store, config, { volumes: options.volumes });
  } finally {
    lock.release();
  }
}
