/** The shim's steady state: the container's output to its log and its clients, their input to it, until it ends. */
import { closeSync } from 'node:fs';
import { refuseConnections, type HeldPort } from '../../../runtime/network/ports.ts';
import { POLLIN } from '../../../runtime/syscall/loops.ts';
import type { FirstProcess } from './launch.ts';
import type { ShimParts } from './parts.ts';
import { serveOnce, type Source } from './poll-loop.ts';

/** What to do when there is nothing to do. */
export interface Rest {
  /** Milliseconds without anything before it. */
  readonly patience: number;
  /** Waits for any of the descriptors; returns only if it cannot be done. */
  sleep(sources: readonly Source[]): void;
}

/**
 * Returns when the first process has ended and all that was written has been logged and handed on; 'work' when a client
 * wants something that takes its time, after which this is to be called again.
 */
export function serve(
  { clients, stdio, names }: ShimParts,
  { pidfd }: Pick<FirstProcess, 'pidfd'>,
  ports: readonly HeldPort[],
  rest: Rest,
): 'ended' | 'work' {
  let sleepless = false;
  let running = true;
  const end: Source = { fd: pidfd, events: POLLIN, ready: () => (running = false) };
  const listeners = ports
    .filter(({ protocol }) => protocol === 'tcp')
    .map(({ fd }): Source => ({ fd, events: POLLIN, ready: () => refuseConnections(fd) }));
  while (running || stdio.unread) {
    if (running && clients.hasWork) return 'work';
    const sources = [
      ...clients.sources(stdio.full),
      ...stdio.sources(),
      ...(running ? [end] : []),
      ...listeners,
      ...names.sources(),
    ];
    const tired = running && !sleepless && clients.quiet && !stdio.full;
    if (serveOnce(sources, tired ? rest.patience : -1)) continue;
    rest.sleep(sources);
    sleepless = true;
  }
  closeSync(pidfd);
  return 'ended';
}
