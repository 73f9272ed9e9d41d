/** A program whose words nobody reads, in a session of its own; its failure is an answer. */
import { spawn } from 'node:child_process';
import type { Argv } from '../../../runtime/plan/argv.ts';

export function runQuietly([program, ...args]: Argv, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', cwd: '/', detached: true, env });
    child.on('error', () => resolve(127));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
