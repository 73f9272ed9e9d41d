/**
 * Programs that tell what the kernel has. Each names an interface, a namespace or a comment as somebody chose it, and
 * the kernel lets that be almost anything: control characters must neither move the reader's cursor nor, since ip
 * prints them as they are, make its JSON unreadable.
 */
import { readProgram } from '../../runtime/plan/read-program.ts';
import type { Argv } from '../../runtime/plan/step.ts';

/** '' when the program fails or is not there: what cannot be seen is told as not there. */
export async function look(argv: Argv): Promise<string> {
  try {
    const { exitCode, stdout } = await readProgram(argv);
    return exitCode === 0 ? printable(stdout) : '';
  } catch {
    return ''; // Not installed.
  }
}

/** Of a program that prints JSON; `otherwise` when it prints none, as ip does where there is nothing to show. */
export async function lookAtJson<T>(argv: Argv, otherwise: T): Promise<T> {
  const text = await look(argv);
  return text.trim() === '' ? otherwise : (JSON.parse(text) as T);
}

/** Every control character but the end of a line (and the tab before one) as a question mark. */
export const printable = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '?');
