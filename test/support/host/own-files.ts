/** Files that minidock has made on a throw-away host: what a command leaves that is killed, or fails, shows here. */
import type { TestHost } from './host.ts';

/** Paths, sorted. Of layers their names; what comes and goes with locks, leases of the store and events not at all. */
export async function ownFiles({ root, runDir, run }: TestHost): Promise<readonly string[]> {
  const others = ['fs', 'locks', 'leases', 'events'].flatMap((name) => ['-name', name, '-o']);
  const dirs = ['-type', 'd', '(', ...others.slice(0, -1), ')', '-prune'];
  const words = [...dirs, '-o', '-type', 'f', '!', '-name', '*lock', '-print'];
  const { stdout } = await run(['find', root, runDir, ...words]);
  return stdout.split('\n').filter(Boolean).sort();
}
