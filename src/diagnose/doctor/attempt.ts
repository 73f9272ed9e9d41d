/**
 * Whether a program can do something, found out by letting it: in namespaces of its own, which are gone with it. A
 * kernel's configuration file may be missing or wrong; what a container needs and gets here, it gets there.
 */
import { run } from '../../../runtime/io/spawn.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';

/** undefined if it went well, else the program's own words. */
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
