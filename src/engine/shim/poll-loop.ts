/**
 * How the shim waits: poll(2) over a handful of descriptors, each with what is to be done when something comes. No
 * event loop, so at any moment all that is under way lies in plain sight, and the process can be exchanged for
 * another that goes on with the same descriptors (sleep.ts).
 */
import { poll } from '../../../runtime/syscall/loops.ts';

export interface Source {
  readonly fd: number;
  /** POLLIN, POLLOUT. */
  readonly events: number;
  /** What came may also be that the other side hung up; whoever reads then sees the end. */
  ready(): void;
}

/** One round; false if nothing came within the milliseconds (negative: without end). */
export function serveOnce(sources: readonly Source[], timeout: number): boolean {
  const came = poll(sources, timeout);
  if (came === undefined) return false;
  sources.forEach((source, at) => {
    if (came[at] !== 0) source.ready();
  });
  return true;
}
