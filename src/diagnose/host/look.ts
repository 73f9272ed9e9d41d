/**
 * Programs that print the kernel's state. Interfaces, namespaces and comments may have almost any name. Control
 * characters must not move the cursor, and must not break the JSON of ip, which prints them raw.
 */
import { escapeJson, oneLine, printable } from '../../../runtime/printable.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';

/** '' if the program fails or is missing. */
export const look = async (argv: Argv): Promise<string> => printable(await read(argv));

async function read(argv: Argv, input?: string): Promise<string> {
  const { exitCode, stdout } = await readProgram(argv, input === undefined ? {} : { input });
  return exitCode === 0 ? stdout : '';
}

/** The JSON of a program; `otherwise` if it prints nothing, as ip does without results. */
export async function lookAtJson<T>(argv: Argv, otherwise: T): Promise<T> {
  const text = escapeJson(await read(argv));
  if (text.trim() === '') return otherwise;
  return parse<T>(text);
}

/** The lines of JSON of a program that answers its input; undefined if it fails, or if a line is no JSON. */
export async function lookAtJsonLines(argv: Argv, input: string): Promise<readonly unknown[] | undefined> {
  const text = await read(argv, input);
  if (text === '') return undefined;
  try {
    return text.split('\n').map((line) => parse(escapeJson(line)));
  } catch {
    return undefined; // A name with a line end in it.
  }
}

function parse<T>(text: string): T {
  // Escapes are rare in this JSON, and a reviver is slow.
  const revive = (_key: string, value: unknown): unknown =>
    typeof value === 'string' ? oneLine(value) : value;
  return JSON.parse(text, /\\[bfnrtu]/.test(text) ? revive : undefined) as T;
}
