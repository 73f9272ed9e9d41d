/**
 * Prints an error in this order: what was being done and what failed, the exact command and its output, what was
 * undone, what to do next. An error without a `code` is a bug in minidock and shows its stack.
 */
import { printable } from '../../runtime/printable.ts';
import { noColors, type Colors } from './colors.ts';

export interface RenderErrorOptions {
  /** For "see minidock VERB --help" and the exit status. */
  readonly verb?: string;
  readonly colors?: Colors;
}

/** What MinidockError, ImageError and node's own system errors have in common. */
interface ErrorShape {
  readonly message: string;
  readonly code?: unknown;
  readonly hint?: unknown;
  readonly exitCode?: unknown;
  readonly cause?: unknown;
  readonly stack?: string;
  /** Of a failed command. */
  readonly command?: unknown;
  readonly stderr?: unknown;
}

/** Where the error itself has no hint. */
const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space, for instance with "minidock rm" and "minidock rmi".',
  EDQUOT: 'Free some space: a disk quota is used up.',
  EROFS: 'The file system is read-only; choose another place with --root or --run.',
  EMFILE: 'Too many files are open: raise the limit (ulimit -n).',
};

function hintFor(code: string): string | undefined {
  // For root the kernel has other reasons to refuse, such as a file that is not executable.
  const refused = (code === 'EACCES' || code === 'EPERM') && process.geteuid?.() !== 0;
  return refused ? 'minidock needs root: try again with sudo.' : HINTS[code];
}

/** Text for standard error, with its final newline. */
export function renderError(
  error: unknown,
  { colors = noColors, verb = '' }: RenderErrorOptions = {},
): string {
  const { red, dim } = colors;
  const name = red('minidock:');
  if (!isExpected(error)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${name} internal error: ${printable(text)}\n`;
  }
  const { head, command, words, rest } = splitCommand(error);
  const own = typeof error.hint === 'string' ? error.hint : hintFor(String(error.code));
  const hint = own?.replace(" VERB --help'", `${verb === '' ? '' : ` ${verb}`} --help'`);
  return [
    `${name} ${printable(head)}`,
    ...(command === undefined ? [] : [`  ${dim('$')} ${printable(command).split('\n').join('\n    ')}`]),
    ...(words === undefined
      ? []
      : printable(words)
          .split('\n')
          .map((line) => `    ${line}`)),
    ...(rest === ''
      ? []
      : printable(rest)
          .split('\n')
          .map((line) => `  ${line}`)),
    ...(hint === undefined ? [] : [printable(hint)]),
    '',
  ].join('\n');
}

/** The error's own status, else Docker's for the verb: 125 of `run`, whose other statuses are the program's. */
export function exitStatus(error: unknown, verb: string): number {
  const known = isExpected(error) ? error.exitCode : undefined;
  if (typeof known === 'number') return known;
  return verb === 'run' || !isExpected(error) ? 125 : 1;
}

function isExpected(error: unknown): error is ErrorShape {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'string';
}

interface Parts {
  readonly head: string;
  readonly command?: string;
  readonly words?: string;
  /** What was undone. */
  readonly rest: string;
}

/** A step's message contains its command's: split here, since a long command would hide the rest. */
function splitCommand(error: ErrorShape): Parts {
  const cause = error.cause;
  if (!(cause instanceof Error)) return { head: error.message, rest: '' };
  const { command, stderr, message } = cause as ErrorShape;
  const at = error.message.indexOf(message);
  if (typeof command !== 'string' || typeof stderr !== 'string' || at < 0 || message === '') {
    return { head: error.message, rest: '' };
  }
  const words = stderr.trim();
  return {
    head: error.message.slice(0, at).replace(/:\s*$/, ''),
    command,
    ...(words === '' ? {} : { words }),
    rest: error.message.slice(at + message.length).trim(),
  };
}
