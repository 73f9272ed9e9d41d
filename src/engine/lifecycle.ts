/** Start, wait, rename, remove: what any command does to a container that exists. */
import { delay } from '../../runtime/io/delay.ts';
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import type { StepTime } from '../../runtime/plan/step-span.ts';
import { span } from '../../runtime/trace.ts';
import { isActive, type ContainerStatus } from './spec/container.ts';
import { recordEvent } from './state/events/event-log.ts';
import { containerEvent } from './state/events/events.ts';
import { tryLock, waitLock } from './state/lock.ts';
import { containerDir, containerLock } from './state/paths.ts';
import { UNKNOWN_STATUS, POLL, recover } from './recovery.ts';
import { findContainer, reconcile } from './reconcile.ts';
import { waitForShim } from './shim/client/shim-client.ts';
import { startDetached, type StartOptions } from './start.ts';
import { noSuchContainer, type Container, type ContainerStore } from './state/store.ts';
import { untilOver } from './until-over.ts';

/** Milliseconds to wait for a start, or a removal, by another command. */
const PATIENCE = 30_000;

/** Waits for the end of a running container; gives the exit status of one that has ended. */
export async function waitForExit(store: ContainerStore, container: Container): Promise<number> {
  if (!isActive(container.state)) return container.state.exitCode;
  const message = await untilOver(store, container, waitForShim(store.paths, container.config.id));
  if (message !== undefined) return message.exitCode;
  const now = store.read(container.config.id);
  return (now === undefined ? undefined : await reconcile(store, now))?.state.exitCode ?? UNKNOWN_STATUS;
}

/** Starts it, or waits for another process that is starting it. @throws what the shim reports. */
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
  /** Receives each step that the shim takes at the end. */
  readonly onStep?: (step: StepTime) => void;
}

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
    const now = known === undefined ? undefined : await reconcile(store, known);
    if (now === undefined) return;
    if (isActive(now.state)) {
      if (!options.force) throw stillRunning(name, now.state.status);
      const { KILL, endProgram } = await import('./stop.ts');
      await endProgram(store, now, KILL, options.onStep);
    }
    await span('undo', 'recover', () => recover(store, id));
    if (await span('state', 'remove files', () => removeUnowned(store, id, options))) return;
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
    const renamed = containerEvent({ ...config, name: to }, 'rename', { oldName: `/${config.name}` });
    recordEvent(store.paths, renamed);
  } finally {
    lock.release();
  }
}

/** false while a shim, or another command, holds the container's lock. */
async function removeUnowned(
  store: ContainerStore,
  id: string,
  { volumes }: { readonly volumes: boolean },
): Promise<boolean> {
  const { removeContainerFiles } = await import('./remove-container.ts');
  const lock = tryLock(containerLock(store.paths, id));
  if (lock === undefined) return false;
  try {
    const now = store.read(id);
    if (now !== undefined) removeContainerFiles(store, now.config, { volumes });
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
