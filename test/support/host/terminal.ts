/**
 * Someone at a terminal of a throw-away host: a shell on a real pty, what is typed and what is seen. The pty is
 * made by script(1), which is part of every Debian; its other end is this test's pipes.
 */
import type { TestHost } from './host.ts';
import { runProgram, waitFor } from './processes.ts';

export interface Terminal {
  /** As typed: '\r' is the return key, '\x03' Ctrl-C. */
  type(text: string): void;
  /** Types a command line for the shell. */
  enter(line: string): void;
  /** Resolves once what was seen after the last `see` matches, and gives the match; that is then behind us. */
  see(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Everything so far, byte by byte. */
  seen(): string;
  resize(rows: number, columns: number): Promise<void>;
  /** The terminal's settings in one line, as `stty -g` has them. */
  settings(): Promise<string>;
  /** /dev/pts/N */
  readonly path: string;
  close(): Promise<void>;
}

/** The shell's prompt. */
export const PROMPT = /\$> $/;

export async function openTerminal(host: TestHost): Promise<Terminal> {
  const shell = "PS1='$> ' exec bash --norc --noprofile --noediting";
  const script = host.spawn([
    'script',
    '--quiet',
    '--flush',
    '--echo',
    'always',
    '--command',
    shell,
    '/dev/null',
  ]);
  // Without colours, questions for the cursor's place, and carriage returns.
  const text = (): string => script.output().replace(/\x1b\[[0-9;?]*[A-Za-z]|\r/g, '');
  let behind = 0;
  const see = async (pattern: RegExp): Promise<RegExpMatchArray> => {
    let match: RegExpMatchArray | null = null;
    const look = (): boolean => (match = text().slice(behind).match(pattern)) !== null;
    await waitFor(look, `the terminal to show ${String(pattern)}`).catch((error: unknown) => {
      throw new Error(`${String(error)}; it shows:\n${text().slice(behind)}`);
    });
    const found = match as unknown as RegExpMatchArray;
    behind += (found.index ?? 0) + found[0].length;
    return found;
  };
  const type = (text: string): void => void script.child.stdin?.write(text);
  await see(PROMPT);
  type('tty\r');
  const path = (await see(/^(\/dev\/pts\/\d+)\r?$/m))[1] ?? '';
  await see(PROMPT);
  const stty = async (...words: readonly string[]): Promise<string> => {
    const { stdout, stderr, exitCode } = await runProgram(['stty', '-F', path, ...words]);
    if (exitCode !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  await stty('rows', '24', 'cols', '80');
  return {
    type,
    enter: (line) => type(`${line}\r`),
    see,
    seen: () => script.output(),
    resize: async (rows, columns) => void (await stty('rows', String(rows), 'cols', String(columns))),
    settings: () => stty('-g'),
    path,
    close: async () => {
      script.kill('SIGKILL');
      await script.exited;
    },
  };
}
