/** What a build reports when it cannot go on; `lines` are those of the Dockerfile that it is about. */
import { MinidockError } from '../../runtime/errors.ts';

export interface LineRange {
  /** From 1 on, both included. */
  readonly first: number;
  readonly last: number;
}

export class BuildError extends MinidockError {
  readonly lines: LineRange | undefined;

  constructor({
    lines,
    ...parts
  }: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly cause?: unknown;
    readonly exitCode?: number;
    readonly lines?: LineRange | undefined;
  }) {
    super({ exitCode: 1, ...parts });
    this.lines = lines;
  }
}

export const syntaxError = (message: string, lines?: LineRange): BuildError =>
  new BuildError({ code: 'DOCKERFILE_SYNTAX', message: `dockerfile parse error: ${message}`, lines });

/** Of a dry run: the files of a stage, or an image, that are not there. */
export class NotMadeYet extends Error {}

/** The same error, with the lines that it is about. */
export function inInstruction(error: unknown, { lines }: { readonly lines: LineRange }): unknown {
  if (error instanceof BuildError && error.lines !== undefined) return error;
  if (!(error instanceof Error) || typeof (error as { code?: unknown }).code !== 'string') return error;
  const { code, hint } = error as unknown as { code: string; hint?: string };
  if (code === 'INTERRUPTED') return error;
  return new BuildError({
    code,
    message:
      code === 'ENAMETOOLONG'
        ? 'a path is too long for Linux: a name in it has at most 255 bytes, and the whole path 4,095'
        : error.message,
    cause: error,
    lines,
    ...(hint === undefined ? {} : { hint }),
  });
}
