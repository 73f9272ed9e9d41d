/**
 * That somebody stopped a container by hand, which its restart policy heeds: a file in the container's directory,
 * written before the signal, by its sender, since the shim may sleep, hang, or be waiting for its next start. It
 * stays over a reboot, and goes with the next start.
 *
 * Docker tells two things apart. Any `kill` notes that a hand was at work (for unless-stopped); what ends a container,
 * `stop` and a `kill` with its stop signal or SIGKILL, also cancels the restarts of this run. 'host': the machine goes
 * down and the container with it, which is no user's wish.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseSignal } from '../spec/signals.ts';
import type { ContainerSpec } from '../spec/container.ts';
import { byHandPath, containerDir, type Paths } from '../state/paths.ts';

export type ByHand = 'no' | 'signalled' | 'stopped' | 'host';

const SIGKILL = 9;
/** Docker's default, which it takes for no stop signal at all: then every signal counts. */
const SIGTERM = 15;

/** Whether a signal is meant to end a container, by Docker's rule. */
export function endsContainer({ stopSignal }: Pick<ContainerSpec, 'stopSignal'>, signal: number): boolean {
  const own = parseSignal(stopSignal);
  return signal === SIGKILL || own === SIGTERM || signal === own;
}

export function noteByHand(paths: Paths, id: string, what: Exclude<ByHand, 'no'>): void {
  // Of one that is being removed, nobody will ask.
  if (existsSync(containerDir(paths, id))) writeFileSync(byHandPath(paths, id), `${what}\n`, { mode: 0o600 });
}

export function readByHand(paths: Paths, id: string): ByHand {
  try {
    const word = readFileSync(byHandPath(paths, id), 'utf8').trim();
    // A full disk may have cut it short: the file alone says that a command was there.
    return word === 'signalled' || word === 'host' ? word : 'stopped';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'no';
    throw error;
  }
}
