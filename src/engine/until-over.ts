/**
 * Waits until a run is over, even if its shim cannot say so. Usually the shim undoes the run, records the exit and
 * notifies its clients. A shim that is stopped (SIGSTOP), hangs or has lost its socket does not. Then the waiting
 * command, once the program has ended,
 *
 *     continues it with SIGCONT, if it is stopped: it alone knows the program's exit status;
 *     kills it, if it is stopped again or takes too long, and cleans up as after any killed shim.
 */
import { delay } from '../../runtime/io/delay.ts';
import { isActive, type ContainerState } from './spec/container.ts';
import { isSameProcess, isStopped } from './state/process-identity.ts';
import { recoverState } from './recovery.ts';
import type { ExitMessage } from './shim/client/shim-client.ts';
import { signalProcess } from './signal-process.ts';
import type { Container, ContainerStore } from './state/store.ts';

/** Milliseconds between looks: none of them is made when the shim answers at once. */
const LOOK = 100;
/** Milliseconds for a shim that was stopped, and for one that works: on a busy host an undo may take seconds. */
const STOPPED_PATIENCE = 2_000;
const PATIENCE = 15_000;

/** Milliseconds until the record is looked at again. */
const RETRY = 10;

const SIGKILL = 9;
const SIGCONT = 18;

/** `told`: the shim's message, undefined without one. Only `by: 'force'` acts on the shim. */
export async function untilOver(
  store: ContainerStore,
  container: Container,
  told: Promise<ExitMessage | undefined>,
  by: 'force' | 'patience' = 'patience',
): Promise<ExitMessage | undefined> {
  let over = false;
  const answer = told.then((message) => {
    over = message !== undefined;
    return message;
  });
  const watching = watchShim(container.state, by, () => over);
  // One that cannot be reached says nothing at once, and is watched until it has gone.
  const first = await Promise.race([answer.then((message) => message ?? watching), watching]);
  if (first !== undefined) return first;
  // The shim has gone without a word, was killed, or has just recorded the exit: the record is made true if need be.
  for (const end = Date.now() + PATIENCE; Date.now() < end; await delay(RETRY)) {
    const now = store.read(container.config.id);
    if (now === undefined || !isSameRun(now.state, container.state)) break;
    // Another command may be cleaning up: wait for its record, since it holds the exit status.
    await recoverState(store, now);
  }
  return undefined;
}

const isSameRun = (now: ContainerState, then: ContainerState): boolean =>
  isActive(now) && now.shimPid === then.shimPid && now.shimStartTime === then.shimStartTime;

/** Resolves when the shim has gone; never as long as the program runs. */
async function watchShim(
  { pid, pidStartTime, shimPid, shimStartTime }: ContainerState,
  by: 'force' | 'patience',
  isOver: () => boolean,
): Promise<undefined> {
  let ended: number | undefined;
  let continued = false;
  while (isSameProcess(shimPid, shimStartTime) && !isOver()) {
    await delay(LOOK);
    if (by === 'patience' || isSameProcess(pid, pidStartTime)) continue;
    ended ??= Date.now();
    const stopped = isStopped(shimPid);
    if (stopped && !continued) {
      signalProcess(shimPid, shimStartTime, SIGCONT);
      continued = true;
    } else if (Date.now() - ended > (stopped ? STOPPED_PATIENCE : PATIENCE)) {
      signalProcess(shimPid, shimStartTime, SIGKILL);
    }
  }
  return undefined;
}
