/**
 * When a container's health is probed. The shim starts a process for each probe (probe.ts) and waits for its end like for
 * anything else; between two probes it hibernates until the next is due. One at a time; a paused container has none.
 */
import { closeSync, existsSync } from 'node:fs';
import { spawn } from '../../../../runtime/io/spawn.ts';
import { errnoOf } from '../../../../runtime/syscall/error.ts';
import { waitForChild } from '../../../../runtime/syscall/descriptors.ts';
import { kernel } from '../../../../runtime/syscall/libc.ts';
import { POLLIN } from '../../../../runtime/syscall/loops.ts';
import type { Healthcheck } from '../../../../images/types.ts';
import { warnStderr } from '../../../io/warn-stderr.ts';
import { probeCommand, readHealth, writeHealth } from '../../state/health.ts';
import { pausedPath } from '../../state/paths.ts';
import type { ShimContext } from '../context.ts';
import type { Source } from '../poll-loop.ts';
import { checkTimes, nextInterval } from './judge.ts';

interface Running {
  readonly pid: number;
  readonly pidfd: number;
}

/** For the process that takes this one's place. */
export interface ProbesHandover {
  /** Milliseconds since the epoch. */
  readonly due: number;
  readonly running?: Running;
}

/** Milliseconds beyond its timeout after which a probe that has not ended is killed itself. */
const BEYOND = 10_000;
const SIGKILL = 9;

export class Probes {
  private constructor(
    private readonly parts: ShimContext,
    private readonly check: Healthcheck,
    private readonly startedAt: number,
    /** Of the next probe, or of the end of the one that runs. */
    public due: number,
    private running: Running | undefined,
  ) {}

  /** Undefined where there is nothing to probe. Without `handover` the container has just started. */
  static of(parts: ShimContext, handover?: ProbesHandover): Probes | undefined {
    const { store, config } = parts;
    const check = config.spec.healthcheck;
    if (check === undefined || probeCommand(check) === undefined) return undefined;
    const startedAt = Date.parse(store.readState(config.id).startedAt);
    if (handover !== undefined) return new Probes(parts, check, startedAt, handover.due, handover.running);
    const due = Date.now() + nextInterval(checkTimes(check), 0, 'starting');
    return new Probes(parts, check, startedAt, due, undefined);
  }

  /** Before the container is known to run. The results of the run before stay, as with Docker. */
  static reset({ store, config }: ShimContext): void {
    if (probeCommand(config.spec.healthcheck) === undefined) return;
    const { log = [] } = readHealth(store.paths, config.id) ?? {};
    writeHealth(store.paths, config.id, { status: 'starting', failingStreak: 0, log });
  }

  handOver(): ProbesHandover {
    return { due: this.due, ...(this.running === undefined ? {} : { running: this.running }) };
  }

  sources(): readonly Source[] {
    const { running } = this;
    return running === undefined ? [] : [{ fd: running.pidfd, events: POLLIN, ready: () => this.reap() }];
  }

  /** To be called when it is time. */
  act(): void {
    if (this.running !== undefined) return this.end();
    const { store, config } = this.parts;
    if (existsSync(pausedPath(store.paths, config.id))) return this.postpone();
    const request = JSON.stringify({ id: config.id, ...store.paths });
    try {
      const child = spawn(['/proc/self/exe', '__probe', request], {
        stdio: ['ignore', 'ignore', 2],
        env: process.env,
        cwd: '/',
      });
      child.unref();
      this.running = { pid: child.pid, pidfd: kernel.pidfdOpen(child.pid) };
      this.due = Date.now() + checkTimes(this.check).timeout + BEYOND;
    } catch (error) {
      warnStderr(`a health check could not be started: ${(error as Error).message}`);
      this.postpone();
    }
  }

  /** Ends a probe that runs. What it started in the container ends with that, or by its own timeout. */
  end(): void {
    if (this.running === undefined) return;
    kernel.pidfdSendSignal(this.running.pidfd, SIGKILL);
    this.reap();
  }

  private reap(): void {
    if (this.running === undefined) return;
    const { pid, pidfd } = this.running;
    try {
      waitForChild(pid);
    } catch (error) {
      // While the shim does what a client asks for (serve-and-work.ts), the engine itself may reap it.
      if (errnoOf(error) !== 'ECHILD') throw error;
    }
    closeSync(pidfd);
    this.running = undefined;
    this.postpone();
  }

  private postpone(): void {
    const { store, config } = this.parts;
    const times = checkTimes(this.check);
    const age = Date.now() - this.startedAt;
    const status =
      age < times.startPeriod ? (readHealth(store.paths, config.id)?.status ?? 'starting') : 'healthy';
    this.due = Date.now() + nextInterval(times, age, status);
  }
}
