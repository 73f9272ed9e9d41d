/** The shim's steady state: the container's output to its log and its clients, their input to it, until it ends. */
import { closeSync } from 'node:fs';
import { refuseConnections, type HeldPort } from '../../../runtime/network/ports.ts';
import { POLLIN } from '../../../runtime/syscall/descriptors.ts';
import type { FirstProcess } from './launch.ts';
import type { ShimParts } from './parts.ts';
import { serveOnce, type Source } from './poll-loop.ts';

/** Returns when the first process has ended and all that was written has been logged and handed on. */
export function serve(
  { clients, stdio }: ShimParts,
  { pidfd }: Pick<FirstProcess, 'pidfd'>,
  ports: readonly HeldPort[],
): void {
  let running = true;
  const end: Source = { fd: pidfd, events: POLLIN, ready: () => (running = false) };
  const listeners = ports
    .filter(({ protocol }) => protocol === 'tcp')
    .map(({ fd }): Source => ({ fd, events: POLLIN, ready: () => refuseConnections(fd) }));
  while (running || stdio.unread) {
    const sources = [
      ...clients.sources(stdio.full),
      ...stdio.sources(),
      ...(running ? [end] : []),
      ...listeners,
    ];
    serveOnce(sources, -1);
  }
  closeSync(pidfd);
}
