/**
 * A container's record with a state that is true now: one that says 'running' counts for nothing once its shim is gone.
 * Cheap when nothing is wrong, one small read of /proc; what cleans up is loaded when there is something to clean.
 */
import { existsSync } from 'node:fs';
import { isActive, type ContainerConfig, type ContainerState } from './spec/container.ts';
import { containerLock, containerRunDir, pausedPath } from './state/paths.ts';
import { isSameProcess } from './state/process-identity.ts';
import { ExaminerNeeded, type Container, type ContainerStore } from './state/store.ts';

/** undefined if the container was to remove itself and has, by that. */
export async function reconcile(store: ContainerStore, container: Container): Promise<Container | undefined> {
  const { state, config } = container;
  if (isTrue(state) && !isLeftRunning(store, container))
    return withHealth(store, await withPause(store, container));
  await store.loadExaminer();
  const { recover, recoverState } = await import('./recovery.ts');
  if (isActive(state)) return recoverState(store, container);
  await recover(store, config.id);
  return store.read(config.id);
}

/** A start whose shim was killed before it could say that the program runs: both may still be there. */
const isLeftRunning = ({ paths }: ContainerStore, { config, state }: Container): boolean =>
  !isActive(state) && existsSync(containerRunDir(paths, config.id));

const isTrue = (state: ContainerState): boolean =>
  !isActive(state) || isSameProcess(state.shimPid, state.shimStartTime);

/** Docker counts what does not run, or is paused, as unhealthy. */
async function withHealth({ paths }: ContainerStore, container: Container): Promise<Container> {
  const { config, state } = container;
  if (config.spec.healthcheck === undefined || state.status === 'created') return container;
  const { probeCommand, readHealth } = await import('./state/health.ts');
  const found = probeCommand(config.spec.healthcheck) && readHealth(paths, config.id);
  if (found === undefined) return container;
  const health = state.status === 'running' ? found : ({ ...found, status: 'unhealthy' } as const);
  return { ...container, state: { ...state, health } };
}

/** The kernel is asked where a file says that there may be something to ask. */
async function withPause({ paths }: ContainerStore, container: Container): Promise<Container> {
  const { config, state } = container;
  if (state.status !== 'running' || !existsSync(pausedPath(paths, config.id))) return container;
  const { isForsaken, isPaused, thawToEnd } = await import('./life/pause.ts');
  if (!isPaused(config)) return container;
  if (isForsaken(paths, config)) {
    await thawToEnd(paths, container);
    return container;
  }
  return { ...container, state: { ...state, status: 'paused' } };
}

/** `read` again with the examiner, where a record needs it. */
async function withExaminer<T>(store: ContainerStore, read: () => T): Promise<T> {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ExaminerNeeded)) throw error;
    await store.loadExaminer();
    return read();
  }
}

/** As ContainerStore.find, for commands that start without the examiner. */
export const findRecord = (store: ContainerStore, reference: string): Promise<Container> =>
  withExaminer(store, () => store.find(reference));

/** By name, id or prefix, with a state that is true now. @throws MinidockError as ContainerStore.find. */
export async function findContainer(store: ContainerStore, reference: string): Promise<Container> {
  return (await reconcile(store, await findRecord(store, reference))) ?? store.find(reference);
}

/** Every container of a user, newest first, after what a killed command left of others is gone. */
export async function listContainers(store: ContainerStore): Promise<readonly Container[]> {
  let leftovers = 0;
  const found = await withExaminer(store, () => {
    leftovers = 0;
    return store.list({ leftover: () => leftovers++ });
  });
  if (leftovers > 0) {
    const { sweepLeftovers } = await import('./state/sweep.ts');
    sweepLeftovers(store);
  }
  const containers: Container[] = [];
  for (const container of found) {
    const now = await reconcile(store, container);
    if (now === undefined) continue;
    if (now.config.builder === undefined) containers.push(now);
    else if (!isActive(now.state)) await removeLeftRun(store, now.config, now.config.builder);
  }
  return containers;
}

/** A build was killed between the container of its RUN and the shim for it. */
async function removeLeftRun(store: ContainerStore, config: ContainerConfig, builder: string): Promise<void> {
  const { isOwnerAlive } = await import('../../images/store/owner.ts');
  if (isOwnerAlive(builder)) return;
  const { tryLock } = await import('./state/lock.ts');
  const lock = tryLock(containerLock(store.paths, config.id));
  if (lock === undefined) return;
  try {
    const { removeContainerFiles } = await import('./remove-container.ts');
    removeContainerFiles(store, config, { volumes: true });
  } finally {
    lock.release();
  }
}

/** For callers that need what containers with a killed shim still hold: their ports in the firewall. */
export async function recoverAll(store: ContainerStore): Promise<void> {
  // Usually none is lost; a small file of each container shows that.
  if (store.ids().every((id) => isTrue(store.readState(id)))) return;
  for (const container of store.list()) await reconcile(store, container);
}
