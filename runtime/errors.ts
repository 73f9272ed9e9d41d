/**
 * The base of every error minidock raises on purpose: a literal code for programs, and words for people in a fixed
 * order: what was being done, what failed (the exact command and its words), what was undone, what to do next.
 * Only the command line's edge prints one or turns it into an exit status.
 */
export interface ErrorParts {
  /** Literal, stable, e.g. 'PORT_IN_USE'. */
  readonly code: string;
  /** What was being done and what failed, one sentence without a final full stop. */
  readonly message: string;
  /** What the user can do next. */
  readonly hint?: string;
  /** What a hint that is written elsewhere has to name: runtime/ knows no flags (src/engine/spec/hints.ts). */
  readonly data?: Readonly<Record<string, string>>;
  /** Docker's exit status for it where it is not the default of the verb (125 for run, 1 elsewhere). */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

export class MinidockError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, string>>;
  readonly exitCode: number | undefined;

  constructor(parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'MinidockError';
    this.code = parts.code;
    this.hint = parts.hint;
    this.data = parts.data ?? {};
    this.exitCode = parts.exitCode;
  }
}
