/**
 * A terminal as a person sees it: tmux in a throw-away host, with a shell of that host in it. Keys go in, and what
 * comes back is the screen, after every escape sequence has had its effect; so a full-screen program can be looked
 * at. (`terminal.ts` gives the bytes instead, which is what tests of the pty itself want.)
 */
import { join } from 'node:path';
import type { TestHost } from './host.ts';
import { succeed } from '../images/image.ts';

export interface Screen {
  /** Text as it is. */
  type(text: string): Promise<void>;
  /** Keys by tmux's names: 'Enter', 'Escape', 'C-c'. */
  press(...keys: readonly string[]): Promise<void>;
  /** A line, and Enter. */
  enter(line: string): Promise<void>;
  /** Waits until all there is to see, long lines whole and without blanks at their ends, matches; gives it. */
  see(pattern: RegExp): Promise<string>;
  /** Runs a command of the host's shell, which waits for one, on a cleared screen, and gives what it printed. */
  command(line: string): Promise<string>;
  resize(columns: number, rows: number): Promise<void>;
  close(): Promise<void>;
}

/** The host's shell waits on an otherwise empty last line; no container's prompt looks like it. */
const IDLE = /(^|\n)host\$$/;

let opened = 0;

export async function openScreen(host: TestHost, columns = 80, rows = 24): Promise<Screen> {
  opened += 1;
  const socket = join(host.dir, `tmux-${String(opened)}`);
  const tmux = async (...args: readonly string[]): Promise<string> => {
    const argv = ['env', '-u', 'TMUX', 'tmux', '-S', socket, '-f', '/dev/null', ...args];
    return (await succeed(host.run(argv, { env: { LC_ALL: 'C.UTF-8' } }))).stdout;
  };
  const path = join(import.meta.dirname, '../../../dist');
  const shell = `PS1='host$ ' PATH=${path}:$PATH exec bash --norc --noprofile`;
  const resize = async (newColumns: number, newRows: number): Promise<void> => {
    await tmux('resize-window', '-x', String(newColumns), '-y', String(newRows));
  };
  await tmux('new-session', '-d', shell, ';', 'set-option', '-g', 'status', 'off');
  await resize(columns, rows);

  const press = async (...keys: readonly string[]): Promise<void> => void (await tmux('send-keys', ...keys));
  const type = async (text: string): Promise<void> => void (await tmux('send-keys', '-l', '--', text));
  const enter = async (line: string): Promise<void> => {
    await type(line);
    await press('Enter');
  };
  const see = async (pattern: RegExp): Promise<string> => {
    let last = '';
    const look = async (): Promise<boolean> => {
      last = (await tmux('capture-pane', '-p', '-J')).trimEnd().replace(/ +$/gm, '');
      return pattern.test(last);
    };
    await host.waitFor(look, 'a screen').catch((error: unknown) => {
      throw new Error(`the screen never matched ${String(pattern)}:\n${last}`, { cause: error });
    });
    return last;
  };
  await see(IDLE);
  return {
    type,
    press,
    enter,
    see,
    command: async (line) => {
      await enter('clear');
      await see(/^host\$$/);
      await enter(line);
      const text = await see(/^host\$ .*\nhost\$$/s);
      return text.split('\n').slice(1, -1).join('\n');
    },
    resize,
    close: async () => void (await tmux('kill-server')),
  };
}
