/**
 * Between two runs of a container with a restart policy. The network, the cgroup and PID 1 of the last run are gone; the
 * shim's process stays, with the container's lock and its socket. It hibernates as any idle shim (sleep.ts), with a time
 * to wake up at, and executes itself for the next run, so that each run begins in a fresh process.
 *
 * A command that stops the container meanwhile writes a file (life/manual-stop.ts) and connects, which wakes the shim.
 */
import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { O_PATH } from '../../../../runtime/syscall/constants.ts';
import { readByHand } from '../../life/manual-stop.ts';
import { containerDir, containerRunDir, type Paths } from '../../state/paths.ts';
import type { ClientDescriptors } from '../clients.ts';
import type { ShimContext } from '../context.ts';
import { serveOnce } from '../poll-loop.ts';
import { isHeld } from './policy.ts';
import { becomeStub, execKeeping } from '../sleep.ts';

export interface Respite {
  readonly id: string;
  readonly paths: Paths;
  readonly lock: number;
  readonly clients: ClientDescriptors;
  readonly executable: number;
  /** Milliseconds since the epoch: when the next run begins. */
  readonly due: number;
  /** Milliseconds it waits for that. */
  readonly delay: number;
}

/** The word behind it on a shim's command line. */
const RESTART = 'restart';

/** Milliseconds for a new client's first message. */
const PATIENCE = 100;

/** What a run leaves in its directory, but for the socket, which serves the next one too. */
export function clearRunDir(paths: Paths, id: string): void {
  const dir = containerRunDir(paths, id);
  for (const name of readdirSync(dir)) {
    if (name !== 'shim.sock') rmSync(join(dir, name), { recursive: true, force: true });
  }
}

/** Somebody has stopped it, or removed it behind our back. */
export const isGivenUp = (paths: Paths, id: string): boolean =>
  !existsSync(containerDir(paths, id)) || isHeld(readByHand(paths, id));

/** Waits, and executes this shim again for the next run; returns if there is to be none. */
export function waitForRestart(parts: ShimContext, due: number, delay: number): void {
  const { store, config, clients, lock } = parts;
  const isOver = (): boolean => isGivenUp(store.paths, config.id);
  let stayAwake = false;
  while (!isOver()) {
    const left = due - Date.now();
    const respite = (executable: number): Respite => ({
      id: config.id,
      paths: store.paths,
      lock: lock.fd,
      clients: clients.handOver(),
      executable,
      due,
      delay,
    });
    const executable = openSync('/proc/self/exe', O_PATH);
    const handover = respite(executable);
    const kept = [lock.fd, handover.clients.listener, ...handover.clients.waiting];
    const words = [JSON.stringify(handover), RESTART];
    if (left <= 0) execKeeping([executable, ...kept], `/proc/self/fd/${String(executable)}`, words);
    const sources = clients.sources(false);
    const wait = stayAwake ? left : Math.min(left, PATIENCE);
    if (serveOnce(sources, wait) || stayAwake || left <= PATIENCE || !clients.quiet) {
      closeSync(executable);
      continue;
    }
    becomeStub({ sources, executable, kept, words, until: due });
    stayAwake = true;
  }
}
