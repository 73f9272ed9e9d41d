/**
 * Ways to go at a lesson other than its solution: at each step plausible wrong answers, none of which may pass, and a
 * right one, which must. Who breaks a check sees one of them pass or fail that should not.
 */

export interface Wrong {
  /** One shell line; its status has to be 0, or nothing was done and nothing is shown. */
  readonly type: string;
  /** What takes it back, where the next line does not. */
  readonly undo?: string;
  /** Part of the one requirement that it fails, all others being fulfilled: the error that it stands for, and no other. */
  readonly misses?: string;
}

export interface StepWays {
  /** Tried one after the other in the same lab. */
  readonly wrong: readonly (string | Wrong)[];
  /** One shell line; the lesson's own solution where it is absent. */
  readonly right?: string;
}

/** One lab, gone through from its first step. */
export interface LessonWays {
  readonly lesson: string;
  /** By the step's id; those left out are solved as the lesson says. */
  readonly steps: Readonly<Record<string, StepWays>>;
}

/** Detached, since what `lab enter` was to run would otherwise wait for its end. */
export const IN_BACKGROUND = '</dev/null >/dev/null 2>&1 &';

/** Ends the process that listens at a port of the host. */
export const stopAt = (port: number): string =>
  `kill $(ss -Hltnp 'sport = :${port}' | grep -o 'pid=[0-9]*' | cut -d= -f2)`;

/** In a lab there are no others' processes. */
export const KILL_SLEEPERS = 'kill -KILL $(pidof sleep)';
