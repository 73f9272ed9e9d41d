/**
 * What a call program (call-program.ts) says of itself: the address of the entry that failed (8 bytes) and its errno (4),
 * or zeros, and the number of the program's process (4), which a failure overwrites.
 */

export const REPORT_SIZE = 16;
const ERRNO = 8;
/** Where clone(2) writes the number of the program's process. */
export const BORN = 12;
/** Eight words: number, six arguments, the entry at which the parent of a fork goes on (0: an ordinary call). */
export const ENTRY_SIZE = 64;

export interface CallReport {
  /** In the order of `callsOf`. Any number: a hostile child may have written it. -1: it was killed before a fork. */
  readonly index: number;
  /** 0 with an index of -1. */
  readonly errno: number;
}

/** undefined when the program runs. `table` is the address of the first entry. */
export function readReport(bytes: Uint8Array, table: number): CallReport | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, REPORT_SIZE);
  const errno = view.getUint32(ERRNO, true);
  if (errno !== 0) return { index: (view.getUint32(0, true) - table) / ENTRY_SIZE, errno };
  return view.getUint32(BORN, true) === 0 ? { index: -1, errno } : undefined;
}
