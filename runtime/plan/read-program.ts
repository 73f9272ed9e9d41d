/**
 * Programs that only look. Their failure is an answer, not an error. What a person reads goes through execa, and this is
 * the one door to it: each call costs 4 ms of processor time, so the many that minidock parses do without.
 */
import { runToRead } from '../io/spawn.ts';
import type { Argv } from './argv.ts';

export interface ProgramAnswer {
  /** undefined when the program could not be started. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** `locale`: C for what programs parse, C.UTF-8 for what people read. `input` goes to its standard input. */
export async function readProgram(
  argv: Argv,
  { locale = 'C', input }: { readonly locale?: 'C' | 'C.UTF-8'; readonly input?: string } = {},
): Promise<ProgramAnswer> {
  try {
    const { status, stdout, stderr } = await runToRead(argv, {
      input,
      env: { ...process.env, LC_ALL: locale },
    });
    return { exitCode: status, stdout: withoutLastNewline(stdout), stderr: withoutLastNewline(stderr) };
  } catch (error) {
    return { exitCode: undefined, stdout: '', stderr: error instanceof Error ? error.message : '' };
  }
}

const withoutLastNewline = (text: string): string => text.replace(/\n$/, '');

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
