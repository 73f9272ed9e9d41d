/**
 * What an engine keeps in memory: the proportional set size of every process in its host but those in a container's
 * pid namespace, for what a container's own program weighs is not the engine's doing, and but the stop-watch.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import type { TestHost } from '../../test/support/host.ts';
import { processesInside } from '../../test/support/host-cleanup.ts';

/** Once no process comes or goes: what was started has settled. */
export async function residentMegabytes(host: TestHost): Promise<number> {
  let last = '';
  const pids = await host.waitFor(
    async () => {
      const before = last;
      await new Promise((resolve) => setTimeout(resolve, 200));
      const now = enginePids(host);
      last = now.join();
      return last === before ? { now } : undefined;
    },
    'the processes of the host to settle',
    20_000,
  );
  return pids.now.reduce((sum, pid) => sum + pss(pid), 0) / 1024;
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
