/**
 * Cleaning up after what was killed. A container whose state says 'running' but whose shim is gone (SIGKILL, a
 * crash, a reboot) is brought to 'exited': its processes are killed, its journal undone, its lease released. The
 * same for what a killed shim left before it got as far as 'running'. Holding the container's lock proves that no
 * shim owns it.
 */
import { existsSync, rmSync } from 'node:fs';
import { delay } from '../../runtime/io/delay.ts';
import { cutCables } from './network/cut-cable.ts';
import { isActive } from './spec/container.ts';
import { recordEvents } from './state/events/event-log.ts';
import { endEvents } from './state/events/events.ts';
import { tryLock } from './state/lock.ts';
import { containerLock, containerRunDir } from './state/paths.ts';
import { bootId, isSameProcess } from './state/process-identity.ts';
import { releaseLeases } from './network/release-network.ts';
import type { Container, ContainerStore } from './state/store.ts';
import { undoRun } from './undo-run.ts';
import { timestamp } from './spec/time.ts';

/** Docker's exit status for a container whose end no process saw. */
export const UNKNOWN_STATUS = 255;

/** Milliseconds between looks at what another process is doing. */
export const POLL = 10;

/** The container once its record is true again; undefined if it was to remove itself and has, by that. */
export async function recoverState(
  store: ContainerStore,
  container: Container,
): Promise<Container | undefined> {
  const { id } = container.config;
  let now: Container | undefined = container;
  while (
    now !== undefined &&
    isActive(now.state) &&
    !isSameProcess(now.state.shimPid, now.state.shimStartTime)
  ) {
    await recover(store, id);
    now = store.read(id);
    // Another command may be at it, holding the lock: the record says when it is done.
    if (now !== undefined && isActive(now.state)) await delay(POLL);
  }
  return now;
}

/** Undoes the rest of a run without an owner. Does nothing while a shim holds the lock. */
export async function recover(store: ContainerStore, id: string): Promise<void> {
  const lock = tryLock(containerLock(store.paths, id));
  if (lock === undefined) return;
  try {
    const runDir = containerRunDir(store.paths, id);
    const container = store.read(id);
    const ran = container?.state.status === 'running';
    const lost = container !== undefined && isActive(container.state);
    if (container !== undefined && (existsSync(runDir) || lost)) {
      const { config, state } = container;
      await undoRun(store.paths, { config, ran, network: state.network });
      releaseLeases(store.paths, id, state);
      rmSync(runDir, { recursive: true, force: true });
    }
    if (lost) {
      const { config, state } = container;
      await cutCables(state.network);
      store.writeState(id, {
        ...state,
        status: 'exited',
        pid: 0,
        shimPid: 0,
        // Between two runs nothing was lost but the next one.
        exitCode: ran ? UNKNOWN_STATUS : state.exitCode,
        error: state.bootId === bootId() ? 'the shim was killed' : 'the host was restarted',
        finishedAt: ran ? timestamp() : state.finishedAt,
        network: undefined,
        firstId: undefined,
      });
      if (ran)
        recordEvents(store.paths, endEvents(config, state.network, { ...state, exitCode: UNKNOWN_STATUS }));
      if (config.spec.autoRemove) {
        const { removeContainerFiles } = await import('./remove-container.ts');
        removeContainerFiles(store, config, { volumes: true });
      }
    }
  } finally {
    lock.release();
  }
}
