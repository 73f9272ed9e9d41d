/**
 * What every round has: a host of its own with the test images, a seeded source of chance, and the two things that are
 * counted. A leak is anything on the host that was not there before; a lie is an answer that the kernel contradicts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { processesInside } from '../support/host/host-cleanup.ts';
import type { HostSnapshot } from '../support/host/host-snapshot.ts';
import { createHost, type TestHost } from '../support/host/host.ts';
import { installImages } from '../support/images/image.ts';
import { killProcess, type Background } from '../support/host/processes.ts';

export const BINARY = resolve(import.meta.dirname, '../../dist/minidock');

/** Milliseconds. */
const SETTLING = 10_000;

export interface Figures {
  /** What is counted, in words: 'SIGKILLs survived'. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface Round {
  readonly name: string;
  readonly story: string;
  /** `size`: how many, in the full form and in the short one. */
  readonly size: number;
  readonly shortSize: number;
  run(torture: Torture, size: number): Promise<Figures>;
}

export class Torture {
  readonly leaks: string[] = [];
  readonly lies: string[] = [];
  private state: number;
  private clean: HostSnapshot | undefined;

  private constructor(
    readonly host: TestHost,
    seed: number,
  ) {
    this.state = seed >>> 0;
  }

  static async begin(seed: number): Promise<Torture> {
    const torture = new Torture(await createHost(), seed);
    try {
      await installImages(torture.host);
      await torture.host.minidock('run', '--rm', 'test', 'true');
      torture.clean = await torture.settled();
      return torture;
    } catch (error) {
      await torture.host.dispose();
      throw error;
    }
  }

  /** mulberry32: the same numbers for the same seed. From 0 up to, and without, `below`. */
  chance(below: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.chance(from.length)] as T;
  }

  start(...args: readonly string[]): Background {
    return this.host.spawn([BINARY, ...args]);
  }

  /** Removes everything, then looks for what is left; `where` says in whose wake. */
  async sweep(where: string): Promise<void> {
    const { stdout } = await this.host.minidock('ps', '-aq', '--no-trunc');
    const ids = stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await this.host.minidock('rm', '-f', '-v', ...ids);
    await this.host.minidock('ps');
    const end = Date.now() + 10_000;
    for (;;) {
      const left = await this.difference();
      if (left.length === 0) return;
      if (Date.now() > end) {
        this.leaks.push(...left.map((line) => `${where}: ${line}`));
        this.clean = await this.host.snapshot();
        return;
      }
    }
  }

  private async difference(): Promise<readonly string[]> {
    const now = await this.host.snapshot();
    const before = this.clean ?? now;
    const names = this.namesIn('names').map((name) => `name ${name}`);
    const volumes = this.namesIn('volumes').map((name) => `volume ${name}`);
    const parts = Object.keys(now) as (keyof HostSnapshot)[];
    const came = parts.flatMap((part) =>
      now[part].filter((line) => !before[part].includes(line)).map((line) => `${part}: ${line}`),
    );
    return [...came, ...names, ...volumes];
  }

  private namesIn(directory: string): readonly string[] {
    try {
      return readdirSync(join(this.host.root, directory)).filter((name) => !name.startsWith('.'));
    } catch {
      return []; // Never used.
    }
  }

  /** What `ps` says of each container, held against the kernel. */
  async crossExamine(where: string): Promise<void> {
    const { stdout, exitCode, stderr } = await this.host.minidock(
      ...['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.State}}'],
    );
    if (exitCode !== 0) this.lies.push(`${where}: ps ended with ${String(exitCode)}: ${stderr}`);
    for (const line of stdout.split('\n').filter(Boolean)) {
      const [id = '', state] = line.split(' ');
      const isAlive = this.processesOf(id).length > 0;
      if (hasProcesses(state) !== isAlive && !(await this.settles(id))) {
        this.lies.push(
          `${where}: ps says that ${id.slice(0, 12)} is ${state ?? ''}, the kernel has ${isAlive ? 'its' : 'none of its'} processes`,
        );
      }
    }
  }

  /** Between the program's end and the record of it its shim undoes the run; a lie is what stays one. */
  private async settles(id: string): Promise<boolean> {
    for (const end = Date.now() + SETTLING; ;) {
      const words = ['ps', '-a', '--filter', `id=${id}`, '--format', '{{.State}}'];
      const { stdout } = await this.host.minidock(...words);
      if (hasProcesses(stdout.trim()) === this.processesOf(id).length > 0) return true;
      if (Date.now() > end) return false;
    }
  }

  processesOf(id: string): readonly number[] {
    return processesInside(this.host.pid).filter((pid) => read(`/proc/${String(pid)}/cgroup`).includes(id));
  }

  shims(): readonly number[] {
    return processesInside(this.host.pid).filter((pid) => {
      const [, word] = read(`/proc/${String(pid)}/cmdline`).split('\0');
      return word === '__shim';
    });
  }

  kill(pid: number): boolean {
    try {
      killProcess(pid);
      return true;
    } catch {
      return false; // It was faster.
    }
  }

  private settled(): Promise<HostSnapshot> {
    return this.host.waitFor(async () => {
      const now = await this.host.snapshot();
      return now.processes.length + now.containers.length === 0 && now.links.length === 3 ? now : undefined;
    }, 'a quiet host');
  }
}

const hasProcesses = (state = ''): boolean => state === 'running' || state === 'paused';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has ended.
  }
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
