/**
 * Programs that print the kernel's state. Interfaces, namespaces and comments may have almost any name. Control
 * characters must not move the cursor, and must not break the JSON of ip, which prints them raw.
 */
import { escapeJson, oneLine, printable } from '../../../runtime/printable.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';

/** '' if the program fails or is missing. */
export const look = async (argv: Argv): Promise<string> => printable(await read(argv));

async function read(argv: Argv): Promise<string> {
  try {
    const { exitCode, stdout } = await readProgram(argv);
    return exitCode === 0 ? stdout : '';
  } catch {
    return ''; // Not installed.
  }
}

/** The JSON of a program; `otherwise` if it prints nothing, as ip does without results. */
export async function lookAtJson<T>(argv: Argv, otherwise: T): Promise<T> {
  const text = escapeJson(await read(argv));
  if (text.trim() === '') return otherwise;
  // Escapes are rare in this JSON, and a reviver is slow.
  const revive = (_key: string, value: unknown): unknown =>
    typeof value === 'string' ? oneLine(value) : value;
  return JSON.parse(text, /\\[bfnrtu]/.test(text) ? revive : undefined) as T;
}
