/** MINIDOCK_TRACE: a timeline of this process and those it starts. PID 1 and exec's process have no such variable. */
import { warnStderr } from './warn-stderr.ts';
import { openTrace } from './trace-file.ts';

/**
 * `name` is the process's name in the timeline. A shim does not report write errors: its command has the same and
 * reports them.
 */
export function startTrace(
  name: string,
  argv: readonly string[],
  tell: (text: string) => void = warnStderr,
): void {
  openTrace(process.env['MINIDOCK_TRACE'] ?? '', name, argv, ({ message }) =>
    tell(`minidock: MINIDOCK_TRACE: ${message}`),
  );
}
