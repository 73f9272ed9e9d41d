/**
 * The shim's loop: poll(2) over a handful of descriptors, each with a callback. Without an event loop its whole state
 * is visible at any moment, and another program can take over the same descriptors (sleep.ts).
 */
import { poll } from '../../../runtime/syscall/loops.ts';

export interface Source {
  readonly fd: number;
  /** POLLIN, POLLOUT. */
  readonly events: number;
  /** Also called after a hang-up; the next read then returns the end. */
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
