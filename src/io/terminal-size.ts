/** Rows and columns of the terminal that standard output is, if it is one. */
import { stdout } from './standard-streams.ts';

export function terminalSize(): { rows: number; columns: number } | undefined {
  return stdout.isTTY ? { rows: stdout.rows, columns: stdout.columns } : undefined;
}
