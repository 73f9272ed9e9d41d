/** Errors about flags, in the words Docker's flag library uses, with its exit status. */
import { MinidockError } from '../../../runtime/errors.ts';

/** The command line adds the verb when it prints the error. */
const SEE_HELP = "See 'minidock VERB --help'.";

export function invalidArgument(value: string, flag: string, reason: string): MinidockError {
  return new MinidockError({
    code: 'INVALID_FLAG',
    message: `invalid argument "${value}" for "${flag}" flag: ${reason}`,
    hint: SEE_HELP,
    exitCode: 125,
  });
}

export function invalidSpec(message: string, hint?: string): MinidockError {
  return new MinidockError({
    code: 'INVALID_FLAG',
    message,
    exitCode: 125,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** 'no such file or directory' out of node's "ENOENT: no such file or directory, open '/x'". */
export const reasonOf = (error: unknown): string =>
  /^[A-Z][A-Z0-9]*: (.*), [a-z]+(?: '.*')?$/.exec((error as Error).message)?.[1] ?? (error as Error).message;

export function parseInteger(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[+-]?\d+$/.test(text))
    throw invalidArgument(text, flag, `strconv.ParseInt: parsing "${text}": invalid syntax`);
  if (!Number.isSafeInteger(Number(text)))
    throw invalidArgument(text, flag, `strconv.ParseInt: parsing "${text}": value out of range`);
  return Number(text);
}
