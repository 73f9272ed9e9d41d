/**
 * The shim: one small process beside each running container, instead of a daemon for all. It owns the container
 * from the moment it holds its lock until it has recorded the exit and undone the plan; the command that started it
 * may be killed at any time. If the shim itself is killed, the journal, the leases and the state file tell the next
 * command what to clean up (recovery.ts).
 */
import { mkdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import type { ApplyOptions } from '../../../runtime/plan/apply.ts';
import { describeUndo, undoJournal } from '../../../runtime/plan/undo.ts';
import { Journal } from '../../../runtime/plan/journal.ts';
import { fetchTerminal } from '../../../runtime/process/supervise.ts';
import { readOomKills } from '../../../runtime/cgroup/processes.ts';
import type { ContainerConfig } from '../container.ts';
import { readDescriptor } from '../descriptor-stream.ts';
import { writeMessage } from '../frames.ts';
import { tryLockPatiently, type Lock } from '../lock.ts';
import { LogWriter } from '../log-file.ts';
import { acquireNetwork, type AcquiredNetwork } from '../networking.ts';
import { writeNetworkFiles } from '../network-files.ts';
import { containerDir, containerLock, containerRunDir } from '../paths.ts';
import { bootId, startTime } from '../process-identity.ts';
import { removeContainerFiles } from '../remove-files.ts';
import { allSteps } from '../run-plan.ts';
import type { ShimRequest, WireError } from '../shim-protocol.ts';
import { ContainerStore, noSuchContainer } from '../store.ts';
import { timestamp } from '../time.ts';
import { Clients } from './clients.ts';
import { launch } from './launch.ts';
import { prepareRun } from './prepare.ts';
import { ContainerStdio } from './stdio.ts';

const CONTROL_FD = 3;

export async function runShim(request: ShimRequest): Promise<void> {
  process.stderr.on('error', () => {
    // It leads to shim.log, and a full disk is among what is told there. The container matters more than the words.
  });
  // The descriptor is a socket; net.connect takes one although its types do not say so.
  const control: Socket = connect({ fd: CONTROL_FD } as unknown as { path: string });
  const store = new ContainerStore({ root: request.root, run: request.run });
  const lock = await tryLockPatiently(containerLock(store.paths, request.id));
  const config = store.read(request.id)?.config;
  if (lock === undefined || config === undefined) {
    lock?.release();
    writeMessage(control, { type: 'failed', error: toWireError(refusal(request.id, config), '') });
    control.end();
    return;
  }
  await new Shim(request, control, store, config, lock).run();
}

/** Who came too late: another shim is at it, or another command has removed it. */
function refusal(id: string, config: ContainerConfig | undefined): MinidockError {
  if (config === undefined) return noSuchContainer(id.slice(0, 12));
  return new MinidockError({
    code: 'ALREADY_RUNNING',
    message: `container ${config.name} is already running`,
  });
}

class Shim {
  private readonly runDir: string;
  private readonly journal: Journal;
  private readonly clients: Clients;
  private readonly stdio: ContainerStdio;
  private readonly log: LogWriter;
  private size: { rows: number; columns: number } | undefined;

  constructor(
    private readonly request: ShimRequest,
    control: Socket,
    private readonly store: ContainerStore,
    private readonly config: ContainerConfig,
    private readonly lock: Lock,
  ) {
    this.runDir = containerRunDir(this.store.paths, request.id);
    this.journal = new Journal(join(this.runDir, 'journal'));
    this.log = new LogWriter(join(containerDir(this.store.paths, request.id), 'container.log'));
    const { tty, openStdin } = this.config.spec;
    this.size = request.size === undefined ? undefined : { ...request.size };
    this.clients = new Clients({
      input: (bytes) => this.stdio.input(bytes),
      inputEnded: () => {
        // Docker's StdinOnce: input ends with the client that `run -i` attached; `-d -i` keeps it open.
        if (this.config.spec.attachStdin) this.stdio.closeInput();
      },
      resized: (rows, columns) => {
        this.size = { rows, columns };
        this.stdio.resize(rows, columns);
      },
      terminalLeft: (pid, fd) => {
        // Read, so that whoever writes there does not block; nobody is left to look at it.
        void readDescriptor(fetchTerminal(pid, fd), () => undefined);
      },
    });
    this.stdio = new ContainerStdio(this.log, () => this.clients, { tty, openStdin });
    this.clients.add(control, request.attach);
  }

  async run(): Promise<void> {
    let network: AcquiredNetwork | undefined;
    try {
      mkdirSync(this.runDir, { recursive: true, mode: 0o700 });
      await this.clients.listen(join(this.runDir, 'shim.sock'));
      network = await acquireNetwork(this.store, this.config);
      await this.finish(network, await this.runProgram(network));
    } catch (error) {
      await this.fail(network, error);
    }
  }

  /** Starts the program and gives its exit status when it has ended. */
  private async runProgram(network: AcquiredNetwork): Promise<number> {
    writeNetworkFiles(this.store.paths, this.config, network.state);
    for (const text of network.warnings) this.clients.broadcast({ type: 'warning', text });
    const run = prepareRun(this.store.paths, this.config, network.attachment, {
      size: this.size,
      explain: this.request.explain,
    });
    if (this.request.explain) this.clients.broadcast({ type: 'plan', steps: allSteps(run.plan) });
    const { pid, exited } = await launch({
      ...run,
      options: this.applyOptions(),
      stdio: this.stdio,
      size: () => this.size,
      report: (id, outcome, ms) => this.report(id, outcome, ms),
    });
    this.recordRunning(pid, network);
    this.clients.broadcast({ type: 'started', pid });
    return exited;
  }

  private applyOptions(): ApplyOptions {
    const failAt = process.env['MINIDOCK_FAIL_AT'];
    return {
      journal: this.journal,
      observer: {
        started: (step) => this.report(step.id, 'started', 0),
        finished: (step, outcome, ms) => this.report(step.id, outcome, ms),
      },
      ...(process.env['MINIDOCK_UNFOLDED'] === undefined ? {} : { unfolded: true }),
      ...(failAt === undefined ? {} : { failAt }),
    };
  }

  private report(id: string, outcome: 'started' | 'done' | 'already', ms: number): void {
    if (this.request.explain) this.clients.broadcast({ type: 'step', id, outcome, ms });
  }

  private recordRunning(pid: number, network: AcquiredNetwork): void {
    this.store.writeState(this.config.id, {
      ...(this.store.read(this.config.id)?.state ?? fail('the container vanished while it was started')),
      status: 'running',
      pid,
      pidStartTime: startTime(pid) ?? '',
      shimPid: process.pid,
      shimStartTime: startTime(process.pid) ?? '',
      exitCode: 0,
      error: '',
      oomKilled: false,
      startedAt: timestamp(),
      bootId: bootId(),
      network: network.state,
    });
  }

  private async finish(network: AcquiredNetwork, exitCode: number): Promise<void> {
    await this.stdio.ended();
    const oomKilled = readOomKills(`/minidock/${this.config.id}`) > 0;
    const undone = await undoJournal(this.journal);
    network.release();
    const current = this.store.read(this.config.id)?.state;
    if (current !== undefined) {
      this.store.writeState(this.config.id, {
        ...current,
        status: 'exited',
        pid: 0,
        exitCode,
        oomKilled,
        error: undone.failures.length === 0 ? '' : describeUndo(undone),
        finishedAt: timestamp(),
        network: undefined,
      });
    }
    this.cleanUp();
    await this.clients.finish({ type: 'exited', exitCode, oomKilled });
  }

  private async fail(network: AcquiredNetwork | undefined, error: unknown): Promise<void> {
    const report = await undoJournal(this.journal);
    network?.release();
    const wire = toWireError(
      error,
      report.undone.length + report.failures.length > 0 ? describeUndo(report) : '',
    );
    const current = this.store.read(this.config.id)?.state;
    if (current !== undefined) {
      this.store.writeState(this.config.id, {
        ...current,
        status: current.status === 'running' ? 'exited' : current.status,
        pid: 0,
        exitCode: wire.exitCode ?? 125,
        error: wire.message,
        network: undefined,
      });
    }
    this.cleanUp();
    await this.clients.finish({ type: 'failed', error: wire });
  }

  private cleanUp(): void {
    this.log.close();
    rmSync(this.runDir, { recursive: true, force: true });
    if (this.config.spec.autoRemove) removeContainerFiles(this.store, this.config, { volumes: true });
    this.lock.release();
  }
}

function toWireError(error: unknown, undone: string): WireError {
  const known = error instanceof MinidockError ? error : undefined;
  const words = error instanceof Error ? error.message : String(error);
  return {
    code: known?.code ?? 'INTERNAL',
    message: undone === '' ? words : `${words}\n${undone}`,
    exitCode: known?.exitCode ?? 125,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  };
}

function fail(message: string): never {
  throw new MinidockError({ code: 'INTERNAL', message });
}
