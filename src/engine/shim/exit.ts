/** The end of a run: undo the plan, record the outcome, notify all clients. */
import { existsSync, rmSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import { readOomKills } from '../../../runtime/cgroup/processes.ts';
import type { HeldPort } from '../../../runtime/network/ports.ts';
import { StepError } from '../../../runtime/plan/step-error.ts';
import { describeUndo, undoJournal, type UndoReport } from '../../../runtime/plan/undo.ts';
import { stepTimes, undoTimes } from '../../../runtime/plan/step-span.ts';
import { isTraced, listenToTrace, span, tellTrace } from '../../../runtime/trace.ts';
import { recordEvents } from '../state/events/event-log.ts';
import { endEvents } from '../state/events/events.ts';
import { noteIfNotQuiet, noteIfQuiet } from '../network/address-notes.ts';
import { isActive, type ContainerConfig, type ContainerState } from '../spec/container.ts';
import { hintOf } from '../spec/hints.ts';
import { cutCables } from '../network/cut-cable.ts';
import { cgroupsPath, containerDir, containerRunDir } from '../state/paths.ts';
import { releaseNetwork } from '../network/release-network.ts';
import { takeContainerAway } from '../remove-container.ts';
import type { ShimMessage, WireError } from './client/shim-protocol.ts';
import { formatNs, NEVER, nowNs, timestamp } from '../spec/time.ts';
import { undoRun } from '../undo-run.ts';
import { journalOf, type ShimContext } from './context.ts';

/** Milliseconds for the kernel to remove a cable by itself. All clients are notified by then, so nobody waits. */
const CABLE_PATIENCE = 2000;

/** After the program has ended. */
export async function finish(
  parts: ShimContext,
  ports: readonly HeldPort[],
  exitCode: number,
): Promise<void> {
  const { store, config, clients } = parts;
  const { explaining, isOwned } = clients;
  clients.tellOwner({ type: 'ended', exitCode });
  parts.names.close();
  parts.relays.close();
  if (explaining) {
    listenToTrace((event) => {
      for (const step of [...stepTimes(event), ...undoTimes(event)])
        clients.broadcast({ type: 'step', ...step });
    });
  }
  // Another process may have traced its beginning, before this one woke up.
  const pid = isTraced() ? store.read(config.id)?.state.pid : undefined;
  if (pid !== undefined) tellTrace({ type: 'end', pid, name: '', args: { status: exitCode } });
  const oomKilled = readOomKills(cgroupsPath(config)) > 0;
  const held = store.readState(config.id);
  const { network } = held;
  if (network !== undefined) noteIfQuiet(store.paths, network);
  const undone = await span('undo', 'undo', () => undoRun(store.paths, { config, ran: true, network }));
  span('state', 'release the network', () => releaseNetwork(store.paths, config.id, ports, held));
  const current = recordOf(parts);
  const delay = await delayUntilRestart(parts, current, exitCode);
  if (current !== undefined) {
    span('state', 'record the exit', () =>
      store.writeState(config.id, {
        ...current,
        status: delay === undefined ? 'exited' : 'restarting',
        ...(delay === undefined ? {} : { restartCount: (current.restartCount ?? 0) + 1 }),
        pid: 0,
        exitCode,
        oomKilled,
        error: undone.failures.length === 0 ? '' : describeUndo(undone),
        finishedAt: timestamp(),
        network: undefined,
        firstId: undefined,
      }),
    );
  }
  const { startedAt } = current ?? held;
  recordEvents(store.paths, endEvents(asNamedNow(parts), network, { exitCode, oomKilled, startedAt }));
  if (delay !== undefined) return goOn(parts, delay, { exitCode, oomKilled }, network);
  const rest = cleanUp(parts, config.spec.autoRemove);
  // A client with --explain waits until the files are deleted. So does a build, which has heard of the end before.
  const isAwaited = explaining || isOwned;
  if (isAwaited) rest();
  span('answer', 'answer: exited', () => clients.finish({ type: 'exited', exitCode, oomKilled }));
  if (!isAwaited) rest();
  await cutCables(network, CABLE_PATIENCE, () => {
    if (network !== undefined) noteIfNotQuiet(store.paths, network);
  });
}

/** Loaded where there is a policy. It is read again: `update` may have changed it while the container ran. */
async function delayUntilRestart(
  { store, config, restartDelay: before }: ShimContext,
  state: ContainerState | undefined,
  exitCode: number,
): Promise<number | undefined> {
  const { restart: policy } = (state && store.read(config.id)?.config.spec) ?? {};
  if (state === undefined || policy === undefined || policy.name === 'no') return undefined;
  const [{ restartDelay }, { readByHand }] = await Promise.all([
    import('./restart/policy.ts'),
    import('../life/manual-stop.ts'),
  ]);
  return restartDelay(policy, {
    exitCode,
    ranFor: Date.now() - Date.parse(state.startedAt),
    byHand: readByHand(store.paths, config.id),
    restarts: state.restartCount ?? 0,
    delay: before,
  });
}

type Exit = Omit<Extract<ShimMessage, { type: 'exited' }>, 'type'>;

/** To the next run. Notifies all clients of this one's end; later clients wait for the next end. */
async function goOn(
  parts: ShimContext,
  delay: number,
  exit: Exit,
  network: ContainerState['network'],
): Promise<void> {
  const { store, config, clients, log } = parts;
  const due = Date.now() + delay;
  const { clearRunDir, waitForRestart } = await import('./restart/respite.ts');
  clearRunDir(store.paths, config.id);
  span('answer', 'answer: exited', () => clients.finishRun({ type: 'exited', ...exit }));
  log?.close();
  await cutCables(network, CABLE_PATIENCE, () => {
    if (network !== undefined) noteIfNotQuiet(store.paths, network);
  });
  waitForRestart(parts, due, delay);
  endRespite(parts);
}

/** Somebody has stopped, or removed, what was to be started again. */
export function endRespite(parts: ShimContext): void {
  const { store, config, clients } = parts;
  const current = recordOf(parts);
  if (current !== undefined) store.writeState(config.id, { ...current, status: 'exited' });
  const rest = cleanUp(parts, config.spec.autoRemove);
  const { exitCode = 0, oomKilled = false } = current ?? {};
  span('answer', 'answer: exited', () => clients.finish({ type: 'exited', exitCode, oomKilled }));
  rest();
}

/** It may have been renamed since it was started, which the file of its name tells. */
function asNamedNow({ store, config }: ShimContext): ContainerConfig {
  return store.names.read(config.name) === config.id ? config : (store.read(config.id)?.config ?? config);
}

/** Of a container that nobody has removed. Without a record, use the shim's start time. */
function recordOf({ store, config }: ShimContext): ContainerState | undefined {
  if (!existsSync(containerDir(store.paths, config.id))) return undefined;
  const state = store.readState(config.id);
  return state.startedAt === NEVER && state.status !== 'created'
    ? { ...state, startedAt: ownStart() }
    : state;
}

const ownStart = (): string => formatNs(nowNs() - BigInt(Math.round(process.uptime() * 1e9)));

/** When the program did not come to run, or the shim does not know what to do. `forget`: its container goes too. */
export async function fail(
  parts: ShimContext,
  ports: readonly HeldPort[],
  error: unknown,
  forget = false,
): Promise<void> {
  const { store, config, clients } = parts;
  parts.names.close();
  parts.relays.close();
  const report = await span('undo', 'undo', () => undoJournal(journalOf(parts)));
  releaseNetwork(store.paths, config.id, ports);
  const wire = toWireError(error, tellsUndo(error, report) ? describeUndo(report) : '');
  const current = recordOf(parts);
  if (current !== undefined) {
    store.writeState(config.id, {
      ...current,
      status: isActive(current) ? 'exited' : current.status,
      pid: 0,
      exitCode: wire.exitCode ?? 125,
      error: wire.message,
      network: undefined,
      firstId: undefined,
    });
  }
  const rest = cleanUp(parts, config.spec.autoRemove || forget);
  span('answer', 'answer: failed', () => clients.finish({ type: 'failed', error: wire }));
  rest();
  await cutCables(current?.network, CABLE_PATIENCE);
}

/**
 * Where a change of the host failed, others were made before it, and people want to know what is left of them. A
 * missing user or program is the container's own problem: the host is unchanged.
 */
function tellsUndo(error: unknown, { undone, failures }: UndoReport): boolean {
  return failures.length > 0 || (error instanceof StepError && undone.length > 0);
}

/** Returns the rest of the work, for after all clients know of the exit. */
function cleanUp({ store, config, log, lock }: ShimContext, remove: boolean): () => void {
  log?.close();
  return span('state', 'remove the container', () => {
    rmSync(containerRunDir(store.paths, config.id), { recursive: true, force: true });
    if (!remove) {
      lock.release();
      return () => undefined;
    }
    const deleteFiles = takeContainerAway(store, config, { volumes: true });
    // Held until then: it protects these files from a sweep.
    return () => {
      span('state', 'delete its files', deleteFiles);
      lock.release();
    };
  });
}

export function toWireError(error: unknown, undone: string): WireError {
  const known = error instanceof MinidockError ? error : undefined;
  const words = error instanceof Error ? error.message : String(error);
  const hint = hintOf(error);
  return {
    code: known?.code ?? 'INTERNAL',
    message: undone === '' ? words : `${words}\n${undone}`,
    exitCode: known?.exitCode ?? 125,
    ...(hint === undefined ? {} : { hint }),
  };
}
