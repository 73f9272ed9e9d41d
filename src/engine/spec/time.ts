/** Times as Docker writes them: RFC 3339, UTC, nanoseconds. */

/** Docker's rendering of Go's zero time: never happened. */
export const NEVER = '0001-01-01T00:00:00Z';

/** Nanoseconds since the epoch; the clock of the runtime resolves microseconds. */
export function nowNs(): bigint {
  const ms = performance.timeOrigin + performance.now();
  return BigInt(Math.floor(ms * 1000)) * 1000n;
}

export function formatNs(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

export const timestamp = (): string => formatNs(nowNs());
