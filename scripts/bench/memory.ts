/**
 * What an engine keeps in memory once it is idle: the proportional set size of every process in its host but those in a
 * container's pid namespace, for what a container's own program weighs is not the engine's doing, and but the
 * stop-watch; and what it keeps as files in /run, which are memory too.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHost } from '../../test/support/host/host.ts';
import { processesInside } from '../../test/support/host/host-cleanup.ts';

/** Milliseconds; longer than what an engine waits for before it gives memory back. */
const QUIET = 3000;
const LOOK = 250;
/** Daemons come to no rest at all: then what they weigh at the end counts. */
const PATIENCE = 20_000;
/** Of the whole. */
const TOLERANCE = 0.01;

/** Once neither processes nor their memory have changed for a while: what was started has settled. */
export async function residentMegabytes(host: TestHost): Promise<number> {
  let known = weigh(host);
  for (let now = 0, since = 0; now < PATIENCE && now - since < QUIET; now += LOOK) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    const found = weigh(host);
    const same =
      found.processes === known.processes &&
      Math.abs(found.kilobytes - known.kilobytes) <= TOLERANCE * known.kilobytes;
    if (same) continue;
    known = found;
    since = now;
  }
  return (weigh(host).kilobytes + filesInMemory(host)) / 1024;
}

function weigh(host: TestHost): { readonly processes: string; readonly kilobytes: number } {
  const pids = enginePids(host);
  return { processes: pids.join(), kilobytes: pids.reduce((sum, pid) => sum + pss(pid), 0) };
}

/** Kilobytes. minidock's run directory is on disk here, to be seen from outside, and below /run elsewhere. */
function filesInMemory(host: TestHost): number {
  return allocated(`/proc/${host.pid}/root/run`) + allocated(host.runDir);
}

/** What is mounted below counts where it is: only one file system's files. */
function allocated(top: string): number {
  const device = lstatSync(top).dev;
  const walk = (path: string): number => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined || stats.dev !== device) return 0;
    if (!stats.isDirectory()) return stats.isFile() ? stats.blocks / 2 : 0;
    // But the stop-watch's.
    const names = readdirSync(path).filter((name) => !name.startsWith('bench-agent-'));
    return names.reduce((sum, name) => sum + walk(join(path, name)), 0);
  };
  return walk(top);
}

function enginePids(host: TestHost): readonly number[] {
  const own = readlinkSync('/proc/self/ns/pid');
  const watch = new Set(
    processesInside(host.pid).filter((pid) => commandOf(pid).includes('scripts/bench/agent.ts')),
  );
  return processesInside(host.pid).filter((pid) => !watch.has(pid) && pidNamespace(pid) === own);
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // it has ended
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

/** Kilobytes. */
function pss(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}
