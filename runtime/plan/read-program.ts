/** A program that only looks, for decisions that come before a plan. Its failure is an answer, not an error. */
import type { Argv } from './argv.ts';

export interface ProgramAnswer {
  /** undefined when the program could not be started or was killed. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
}

export async function readProgram(argv: Argv): Promise<ProgramAnswer> {
  const { execa } = await import('execa');
  const [program, ...args] = argv;
  const { exitCode, stdout } = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
    env: { LC_ALL: 'C' },
  });
  return { exitCode, stdout };
}

/** The same with what it complains of, for a program that the user chose the words of. */
export async function readProgramWithErrors(
  argv: Argv,
): Promise<ProgramAnswer & { readonly stderr: string }> {
  const { execa } = await import('execa');
  const [program, ...args] = argv;
  const { exitCode, stdout, stderr } = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    env: { LC_ALL: 'C.UTF-8' },
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
