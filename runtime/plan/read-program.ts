/**
 * Programs that only look: the one door to execa. Their failure is an answer, not an error. What is on the way of a
 * start goes through runtime/io/spawn.ts, since execa costs 9 ms of each process that loads it.
 */
import type { Argv } from './argv.ts';

export interface ProgramAnswer {
  /** undefined when the program could not be started or was killed. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** `locale`: C for what programs parse, C.UTF-8 for what people read. */
export async function readProgram(argv: Argv, locale: 'C' | 'C.UTF-8' = 'C'): Promise<ProgramAnswer> {
  const { execa } = await import('execa');
  const [program, ...args] = argv;
  const { exitCode, stdout, stderr } = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    env: { LC_ALL: locale },
  });
  return { exitCode, stdout, stderr };
}

/** What it prints for people, on either stream; a program that cannot be started says so itself, in a way. */
export async function lookAt(argv: Argv): Promise<string> {
  const { execa } = await import('execa');
  const [program, ...args] = argv;
  const { all, code } = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    all: true,
    timeout: 5000,
    env: { LC_ALL: 'C.UTF-8' },
  });
  return code === 'ENOENT' ? `${program}: command not found` : all;
}
