/**
 * Programs that tell what the kernel has. Each names an interface, a namespace or a comment as somebody chose it, and
 * the kernel lets that be almost anything: control characters must neither move the reader's cursor nor, since ip
 * prints them as they are, make its JSON unreadable.
 */
import { escapeJson, oneLine, printable } from '../../../runtime/printable.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';

/** '' when the program fails or is not there: what cannot be seen is told as not there. */
export const look = async (argv: Argv): Promise<string> => printable(await read(argv));

async function read(argv: Argv): Promise<string> {
  try {
    const { exitCode, stdout } = await readProgram(argv);
    return exitCode === 0 ? stdout : '';
  } catch {
    return ''; // Not installed.
  }
}

/** Of a program that prints JSON; `otherwise` when it prints none, as ip does where there is nothing to show. */
export async function lookAtJson<T>(argv: Argv, otherwise: T): Promise<T> {
  const text = escapeJson(await read(argv));
  if (text.trim() === '') return otherwise;
  // What needs an escape in JSON is rare, and a reviver is slow.
  const revive = (_key: string, value: unknown): unknown =>
    typeof value === 'string' ? oneLine(value) : value;
  return JSON.parse(text, /\\[bfnrtu]/.test(text) ? revive : undefined) as T;
}
