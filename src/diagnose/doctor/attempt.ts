/**
 * Tests whether a program can do something by running it, in namespaces that end with it. A kernel's configuration
 * file may be missing or wrong; an attempt is the proof.
 */
import { run } from '../../../runtime/io/spawn.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';

/** undefined on success, else the program's error output. */
export async function attempt(argv: Argv, input?: string): Promise<string | undefined> {
  try {
    const { status, stderr } = await run(argv, { input, env: { ...process.env, LC_ALL: 'C' } });
    if (status === 0) return undefined;
    return stderr.trim().split('\n')[0] || `exit status ${String(status)}`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? `${argv[0]}: command not found` : message;
  }
}
