/** What a call program (call-program.ts) says of itself: the address of the entry that failed and its errno, or zeros. */

export const REPORT_SIZE = 16;
/** Eight words: number, six arguments, the entry at which the parent of a fork goes on (0: an ordinary call). */
export const ENTRY_SIZE = 64;

export interface CallReport {
  /** In the order of `callsOf`. Any number: a hostile child may have written it. */
  readonly index: number;
  readonly errno: number;
}

/** undefined when the program runs. `table` is the address of the first entry. */
export function readReport(bytes: Uint8Array, table: number): CallReport | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, REPORT_SIZE);
  const errno = view.getUint32(8, true);
  return errno === 0 ? undefined : { index: (view.getUint32(0, true) - table) / ENTRY_SIZE, errno };
}
