/**
 * Cleaning up after what was killed. A container whose state says 'running' but whose shim is gone (SIGKILL, a
 * crash, a reboot) is brought to 'exited': its processes are killed, its journal undone, its lease released. The
 * same for what a killed shim left before it got as far as 'running'. Holding the container's lock proves that no
 * shim owns it.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { releaseAddresses } from '../../runtime/network/ipam.ts';
import { undoJournal } from '../../runtime/plan/undo.ts';
import { Journal } from '../../runtime/plan/journal.ts';
import { tryLock } from './lock.ts';
import { containerLock, containerRunDir, leasesDir } from './paths.ts';
import { bootId, isSameProcess } from './process-identity.ts';
import type { Container, ContainerStore } from './store.ts';
import { timestamp } from './time.ts';

/** Docker's exit status for a container that nobody saw the end of. */
const LOST = 255;

/** The container with a state that is true now. Cheap when nothing is wrong: two small reads of /proc. */
export async function refresh(store: ContainerStore, container: Container): Promise<Container> {
  const { state } = container;
  if (state.status !== 'running' || isSameProcess(state.shimPid, state.shimStartTime)) return container;
  await recover(store, container.config.id);
  return store.read(container.config.id) ?? container;
}

/** Undoes what is left of a run that nobody owns. Does nothing while a shim holds the lock. */
export async function recover(store: ContainerStore, id: string): Promise<void> {
  const lock = tryLock(containerLock(store.paths, id));
  if (lock === undefined) return;
  try {
    const runDir = containerRunDir(store.paths, id);
    if (existsSync(runDir)) {
      await undoJournal(new Journal(join(runDir, 'journal')));
      releaseAddresses(leasesDir(store.paths), id);
      rmSync(runDir, { recursive: true, force: true });
    }
    const state = store.read(id)?.state;
    if (state?.status === 'running') {
      store.writeState(id, {
        ...state,
        status: 'exited',
        pid: 0,
        shimPid: 0,
        exitCode: LOST,
        error: state.bootId === bootId() ? 'the shim was killed' : 'the host was restarted',
        finishedAt: timestamp(),
        network: undefined,
      });
    }
  } finally {
    lock.release();
  }
}
