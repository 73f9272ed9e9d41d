/**
 * Whether a container that has ended starts again, and when: Docker's restart manager. 100 ms after the first end, twice
 * as long after each further one, up to a minute; a run of ten seconds counts as a good one, after which it begins anew.
 */
import type { ByHand } from '../../life/manual-stop.ts';
import type { RestartPolicy } from '../../spec/container.ts';

export interface RunEnd {
  readonly exitCode: number;
  /** Milliseconds it ran. */
  readonly ranFor: number;
  /** What somebody has done to it meanwhile (life/manual-stop.ts). */
  readonly byHand: ByHand;
  /** How often it was started again so far. */
  readonly restarts: number;
  /** Milliseconds it waited before this run; 0 for the first. */
  readonly delay: number;
}

const FIRST = 100;
const LONGEST = 60_000;
const GOOD_RUN = 10_000;

/** Milliseconds until it starts again; undefined where it does not. */
export function restartDelay(policy: RestartPolicy | undefined, end: RunEnd): number | undefined {
  if (policy === undefined || isHeld(end.byHand) || !isWanted(policy, end)) return undefined;
  if (end.delay === 0 || end.ranFor >= GOOD_RUN) return FIRST;
  return Math.min(end.delay * 2, LONGEST);
}

/** Whether what was done to a container keeps its shim from starting it again. */
export const isHeld = (byHand: ByHand): boolean => byHand === 'stopped' || byHand === 'host';

/** The policy alone, which also decides what starts after a reboot. */
export function isWanted(
  { name, maximumRetryCount }: RestartPolicy,
  { exitCode, byHand, restarts }: Pick<RunEnd, 'exitCode' | 'byHand' | 'restarts'>,
): boolean {
  switch (name) {
    case 'no':
      return false;
    case 'always':
      return true;
    case 'unless-stopped':
      return byHand === 'no' || byHand === 'host';
    case 'on-failure':
      return exitCode !== 0 && (maximumRetryCount === 0 || restarts < maximumRetryCount);
  }
}
