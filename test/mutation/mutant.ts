/**
 * A mutant: one small fault that somebody could make, and the tests that must notice it. The lists beside this file
 * hold what Stryker cannot make, since only kernel and e2e tests see it: those need the executable built anew.
 */
export interface Mutant {
  /** From the checkout's top. */
  readonly file: string;
  /** Found exactly once in the file. */
  readonly text: string;
  readonly becomes: string;
  /** A pattern of test paths, and of names if a file has many others, as Jest takes them: 'e2e/containers/exec\\. -t workdir'. */
  readonly tests: string;
  /** Why no test can fail on it. */
  readonly survives?: string;
}

export type Layer =
  | 'network'
  | 'firewall'
  | 'ports'
  | 'undo'
  | 'capabilities'
  | 'seccomp'
  | 'process'
  | 'mounts'
  | 'unpack'
  | 'registry'
  | 'logs'
  | 'exec'
  | 'lifecycle'
  | 'state'
  | 'lab'
  | 'script'
  | 'why'
  | 'explain';

/** Mutants of one file: each a text, what becomes of it, the tests, and why it survives if it must. */
export const mutantsOf = (
  file: string,
  ...list: readonly (readonly [text: string, becomes: string, tests: string, survives?: string])[]
): readonly Mutant[] =>
  list.map(([text, becomes, tests, survives]) => ({
    file,
    text,
    becomes,
    tests,
    ...(survives === undefined ? {} : { survives }),
  }));
