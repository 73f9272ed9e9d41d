/**
 * A terminal of the page: a pty whose other side is a shell in a lab, or on the machine with --allow-actions. The
 * shell's own terminal is one of the lab (script(1)), so that no program in there holds one of the machine.
 */
import { renderArgv } from '../../../runtime/plan/quote.ts';

const LARGEST = 500;

export interface PageTerminal {
  write(bytes: Uint8Array | string): void;
  resize(columns: number, rows: number): void;
  end(): void;
}

export interface TerminalEvents {
  /** false: the reader lags, wait. */
  output(bytes: Uint8Array): void;
  ended(): void;
}

/** `argv` begins a session of its own. */
export function openTerminal(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  events: TerminalEvents,
): PageTerminal {
  const child = Bun.spawn([...argv], {
    cwd: '/',
    env,
    terminal: {
      cols: 80,
      rows: 24,
      data: (_terminal, bytes) => events.output(bytes),
    },
  });
  void child.exited.then(() => events.ended());
  const terminal = child.terminal;
  return {
    write: (bytes) => void terminal?.write(bytes),
    resize: (columns, rows) => {
      if (isSize(columns) && isSize(rows)) terminal?.resize(columns, rows);
    },
    end: () => {
      child.kill('SIGHUP');
      terminal?.close();
    },
  };
}

const isSize = (cells: number): boolean => Number.isInteger(cells) && cells >= 2 && cells <= LARGEST;

/** What runs in the lab: a shell at a terminal of the lab. */
export const labShell = (rc: string): readonly string[] => [
  'script',
  '--quiet',
  '--return',
  '--command',
  `exec ${renderArgv(['bash', '--rcfile', rc, '-i'])}`,
  '/dev/null',
];
