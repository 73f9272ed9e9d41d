/**
 * The shim: one small process beside each running container, instead of a daemon for all. It owns the container
 * from the moment it holds its lock until it has recorded the exit and undone the plan; the command that started it
 * may be killed at any time. If the shim itself is killed, the journal, the leases and the state file tell the next
 * command what to clean up (recovery.ts).
 */
import { examiner } from '../state/examiner.ts';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { netnsName } from '../../../runtime/network/names.ts';
import type { HeldPort } from '../../../runtime/network/ports.ts';
import type { ApplyOptions } from '../../../runtime/plan/apply.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { stepTimes } from '../../../runtime/plan/step-span.ts';
import { InitTrace } from '../../../runtime/process/init-trace.ts';
import type { Pause } from '../../../runtime/process/supervise.ts';
import { setCloseOnExec } from '../../../runtime/syscall/descriptors.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { isTraced, listenToTrace, span } from '../../../runtime/trace.ts';
import { FRAME_HEADER, FrameReader, messageFrame } from '../../io/frames.ts';
import { tryLockPatiently } from '../state/lock.ts';
import { acquireNetwork, type AcquiredNetwork } from '../network/networking.ts';
import { announceNames, hasNames } from '../network/naming.ts';
import { recordRunning } from './record-running.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { writeNetworkFiles } from '../network/network-files.ts';
import { byHandPath, containerDir, containerLock, containerRunDir } from '../state/paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { allSteps, type RunPlan } from '../plans/run-plan.ts';
import type { ShimMessage, ShimRequest } from './client/shim-protocol.ts';
import { ContainerStore, noSuchContainer, type Container } from '../state/store.ts';
import type { Clients } from './clients.ts';
import type * as Exit from './exit.ts';
import { abandon, launch, startFirst, startWiring, type Started } from './launch.ts';
import { assembleShim, journalOf, type ShimContext } from './context.ts';
import { readCdi } from '../cdi/effective.ts';
import { placesOf, prepareRun, type RunOptions } from '../plans/prepare.ts';

const CONTROL_FD = 3;

/** Started by shim-process.ts. */
export async function runShim(): Promise<void> {
  setCloseOnExec(CONTROL_FD, true);
  const request = span('wait', 'wait for the command', readRequest);
  // The command had nothing to start after all.
  if (request === undefined) return;
  const store = new ContainerStore({ root: request.root, run: request.run }, examiner);
  const lock = await span('state', 'lock', () => tryLockPatiently(containerLock(store.paths, request.id)));
  const found = span('state', 'read the container', () => store.read(request.id));
  if (lock === undefined || found?.unreadable !== undefined || found === undefined) {
    lock?.release();
    return refuse(request.id, found);
  }
  const { config } = found;
  openLog(join(containerDir(store.paths, config.id), 'shim.log'));
  const parts = assembleShim(store, config, lock);
  parts.clients.add(CONTROL_FD, request.attach, request.tied);
  rmSync(byHandPath(store.paths, config.id), { force: true });
  await beginRun(parts, request, 'first');
}

/** 'again': by the restart policy, in a process that has the socket already (restart/respite.ts). */
export async function beginRun(
  parts: ShimContext,
  request: ShimRequest,
  which: 'first' | 'again',
): Promise<void> {
  const { store, config } = parts;
  let ports: readonly HeldPort[] = [];
  /** Until it has become the program. */
  let pending: Started | undefined;
  try {
    const runDir = containerRunDir(store.paths, config.id);
    ensurePrivateDir(runDir);
    if (which === 'first')
      span('start', 'listen for clients', () => parts.clients.listen(join(runDir, 'shim.sock')));
    const explain = request.explain ? new Explaining(parts.clients) : undefined;
    const trace = new InitTrace(`${config.name} (PID 1)`);
    const firstId = config.spec.usernsMode === 'auto' ? await takeIds(parts.store, config.id) : undefined;
    const namespaces = {
      firstId,
      ...(isShared(config) ? await share(parts, request.step === true) : {}),
      withCdi: await readCdi(config),
    };
    const places = placesOf(store.paths, config, namespaces);
    const start = async (pause?: Pause): Promise<Started> =>
      (pending = await startFirst(places, parts.stdio, trace, pause));
    const early = request.step === true ? undefined : await start();
    if (config.spec.network.ports.length > 0) await releaseLostPorts(store);
    const network = await span('state', 'acquire the network', () => acquireNetwork(store, config));
    ({ ports } = network);
    const pid =
      early === undefined
        ? await bringUpStepwise(parts, request, network, start, explain, namespaces)
        : await bringUp(parts, request, network, early, explain, namespaces);
    const { first } = pending as unknown as Started;
    pending = undefined;
    if (hasNames(network.state)) await holdSockets(parts);
    const probing = config.spec.healthcheck && (await import('./health/probes.ts')).Probes;
    probing?.reset(parts);
    span('state', 'record that it runs', () => recordRunning(parts, pid, network, firstId, which));
    if (which === 'again') (await import('./restart/end-if-stopped.ts')).endIfStopped(parts, pid);
    span('answer', 'answer: started', () => parts.clients.broadcast({ type: 'started', pid }));
    // Loaded only now: so far someone was waiting for the program to begin.
    const [{ serveAndWork }, { patienceAfter }] = await Promise.all([
      import('./serve-and-work.ts'),
      import('./sleep.ts'),
    ]);
    const probes = probing?.of(parts);
    await span('wait', 'serve until the program ends', () =>
      serveAndWork(parts, first, ports, patienceAfter(), (held) => (ports = held), probes),
    );
    const exitCode = await first.exited;
    await (await loadExit()).finish(parts, ports, exitCode);
  } catch (error) {
    if (pending !== undefined) await abandon(pending);
    const forget = request.forget === true && (error as { code?: string }).code === 'STOPPED';
    await (await loadExit()).fail(parts, ports, error, forget);
  }
}

/** That `names.listen` has opened. */
async function holdSockets({ config, names }: ShimContext): Promise<void> {
  const { takeResolverSockets } = await import('../../../runtime/network/resolver-sockets.ts');
  const sockets = takeResolverSockets(netnsName(config.id));
  if (sockets !== undefined) names.open(sockets);
}

/** Of containers whose shim was killed: the ports that they still seem to hold. */
async function releaseLostPorts(store: ContainerStore): Promise<void> {
  const { recoverAll } = await import('../reconcile.ts');
  await recoverAll(store);
}

/** It has to do with other containers, or with the host's mounts, before its first process. */
const isShared = ({ spec }: ContainerConfig): boolean =>
  spec.namespaces !== undefined || spec.mounts.some(({ fileSystem }) => fileSystem !== undefined);
/** The modules are loaded only for a container that needs them. */
const share = async (parts: ShimContext, stepwise: boolean): Promise<Partial<Namespaces>> =>
  (await import('./sharing.ts')).share(parts, applyOptions(parts), stepwise);
const takeIds = async (store: ContainerStore, id: string): Promise<number> =>
  (await import('./take-ids.ts')).takeIds(store, id);

function readRequest(): ShimRequest | undefined {
  let request: ShimRequest | undefined;
  const frames = new FrameReader((_, payload) => {
    request = JSON.parse(payload.toString()) as ShimRequest;
  });
  // Reads no byte beyond the frame: the rest is for clients.ts.
  for (let wanted = FRAME_HEADER; wanted > 0; wanted = frames.missing) {
    const chunk = Buffer.alloc(wanted);
    const length = readSync(CONTROL_FD, chunk);
    if (length === 0) return undefined;
    frames.push(chunk.subarray(0, length));
  }
  return request;
}

/** Errors from here on go there. */
function openLog(path: string): void {
  try {
    const log = openSync(path, 'a', 0o600);
    kernel.dup2(log, 2);
    closeSync(log);
  } catch {
    // A full disk, say: the container matters more than the words. The command's own terminal must be let go, though.
    const nowhere = openSync('/dev/null', 'w');
    kernel.dup2(nowhere, 2);
    closeSync(nowhere);
  }
}

/** Loaded when its time has come: someone waits for the program to begin. */
const loadExit = (): Promise<typeof Exit> => span('start', 'load what ends it', () => import('./exit.ts'));

/** To who came too late: another shim is at it, or another command has removed the container. */
async function refuse(id: string, found: Container | undefined): Promise<void> {
  const error =
    found === undefined
      ? noSuchContainer(id.slice(0, 12))
      : (found.unreadable ??
        new MinidockError({
          code: 'ALREADY_RUNNING',
          message: `container ${found.config.name} is already running`,
        }));
  const { toWireError } = await loadExit();
  const message: ShimMessage = { type: 'failed', error: toWireError(error, '') };
  try {
    writeSync(CONTROL_FD, messageFrame(message));
  } catch {
    // EPIPE: it has gone meanwhile, and wants to know no more.
  }
}

/** With --userns=auto the machine's id of its root, the containers whose namespaces it joins, the steps before, and devices. */
type Namespaces = Pick<RunOptions, 'firstId' | 'joined' | 'early' | 'withCdi'>;

/** Everything up to the running program, whose pid it gives. */
async function bringUp(
  parts: ShimContext,
  request: ShimRequest,
  network: AcquiredNetwork,
  started: Started,
  explaining: Explaining | undefined,
  namespaces: Namespaces,
): Promise<number> {
  const { attachment } = network;
  const { stdio } = parts;
  const { size, secretEnv } = request;
  const options = applyOptions(parts);
  const wiring = startWiring(attachment, options, started);
  try {
    const plan = makePlan(parts, request, network, explaining, namespaces);
    return await span('work', 'launch', () =>
      launch({ plan, wiring, started, options, stdio, size, secretEnv, joined: namespaces.joined }),
    );
  } finally {
    // The undo would miss steps that are still running.
    await wiring.catch(() => undefined);
  }
}

/** The same for --step: PID 1 is started when its turn comes. */
async function bringUpStepwise(
  parts: ShimContext,
  request: ShimRequest,
  network: AcquiredNetwork,
  start: (pause: Pause) => Promise<Started>,
  explaining: Explaining | undefined,
  namespaces: Namespaces,
): Promise<number> {
  const { stepUp } = await import('./step-up.ts');
  const { clients, stdio } = parts;
  const plan = makePlan(parts, request, network, explaining, namespaces);
  const { joined } = namespaces;
  const options = applyOptions(parts);
  return stepUp({ plan, clients, options, stdio, size: request.size, start, joined });
}

function makePlan(
  { store, config, clients }: ShimContext,
  { size, step = false }: ShimRequest,
  { attachment, state, warnings, links }: AcquiredNetwork,
  explaining: Explaining | undefined,
  namespaces: Namespaces,
): RunPlan {
  span('state', 'write hosts, resolv.conf', () => writeNetworkFiles(store.paths, config, state, links));
  if (hasNames(state)) span('state', 'announce its names', () => announceNames(store.paths, config, state));
  for (const text of warnings) clients.broadcast({ type: 'warning', text });
  const plan = span('work', 'plan', () =>
    prepareRun(store.paths, config, attachment, { size, trace: isTraced(), step, ...namespaces }),
  );
  explaining?.tell(allSteps(plan), config.name);
  return plan;
}

/** For --explain: the plan, then what becomes of each step; the first has begun before the plan is made. */
class Explaining {
  private waiting: ShimMessage[] | undefined = [];

  constructor(private readonly clients: Clients) {
    listenToTrace((event) => {
      for (const step of stepTimes(event)) {
        const message: ShimMessage = { type: 'step', ...step };
        if (this.waiting === undefined) clients.broadcast(message);
        else this.waiting.push(message);
      }
    });
  }

  tell(steps: readonly Step[], container: string): void {
    for (const message of [{ type: 'plan', steps, container } as const, ...(this.waiting ?? [])]) {
      this.clients.broadcast(message);
    }
    this.waiting = undefined;
  }
}

function applyOptions(parts: ShimContext): ApplyOptions {
  const failAt = process.env['MINIDOCK_FAIL_AT'];
  return {
    journal: journalOf(parts),
    ...(process.env['MINIDOCK_UNFOLDED'] === undefined ? {} : { unfolded: true }),
    ...(failAt === undefined ? {} : { failAt }),
  };
}
