/**
 * What a lesson of `minidock lab` is: data. A story, a setup, and steps, each with a task, hints, a solution and
 * requirements. Requirements look at the kernel's state, never at what was typed, so that every correct way passes;
 * the engine (`lab.ts`, `play.ts`) knows nothing about any lesson.
 */

/** The lab's host as a lesson's checks see it: the kernel's state, not what was typed. */
export interface LabHost {
  /** Runs a program inside the lab's host (or in one of its named network namespaces); does not throw if it fails. */
  run(
    argv: readonly [string, ...string[]],
    options?: { netns?: string; input?: string; timeoutMs?: number },
  ): Promise<{ status: number; stdout: string; stderr: string }>;
  /** `ip -j …` parsed; empty where ip fails or prints nothing. */
  ip(words: readonly string[], netns?: string): Promise<readonly Record<string, unknown>[]>;
  ping(address: string, options?: { netns?: string; from?: string }): Promise<boolean>;
  /** The body, or undefined without an answer in time (three seconds by default). */
  fetch(url: string, options?: { netns?: string; seconds?: number }): Promise<string | undefined>;
}

export interface Requirement {
  readonly text: string;
  readonly holds: (host: LabHost) => Promise<boolean>;
  /** If it does not hold: what is there instead ('172.30.0.1/32'); undefined if there is nothing. */
  readonly found?: (host: LabHost) => Promise<string | undefined>;
}

/** One shell line and its reason. */
export interface Solution {
  readonly command: string;
  /** For a command that asks at a terminal: the answers, one for each prompt that ends with `: `. */
  readonly answers?: readonly string[];
  readonly why: string;
}

export interface LessonStep {
  /** 'veth'; stable, since it names the step in the progress file. */
  readonly id: string;
  readonly title: string;
  /** What to reach, not how. */
  readonly task: string;
  /** From vague to nearly the command. */
  readonly hints: readonly [string, ...string[]];
  readonly solution: readonly [Solution, ...Solution[]];
  readonly requirements: readonly [Requirement, ...Requirement[]];
  /** Rows of the article it covers: 'A1', 'B8b', 'D:create the bridge', 'E3'. */
  readonly article?: readonly string[];
}

export type LessonGroup =
  'cable' | 'host' | 'bridge' | 'docker' | 'article' | 'puzzle' | 'beyond' | 'cluster';

export interface Lesson {
  /** What `lab start` takes: 'cable', 'puzzle-link-down'. */
  readonly name: string;
  readonly group: LessonGroup;
  readonly title: string;
  /** Two to six sentences: why, and a picture of the start if it helps. */
  readonly story: string;
  /** Shell lines run in the lab's host before the learner arrives (a puzzle is broken here). */
  readonly setup: readonly string[];
  readonly steps: readonly [LessonStep, ...LessonStep[]];
  /** Printed after the last step: what the lesson means for Docker and minidock. */
  readonly epilogue: string;
}
