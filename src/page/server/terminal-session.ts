/**
 * A terminal's WebSocket: binary messages are keys and output, a text message is the size. What the page does not read
 * in time is skipped, with a note, since a shell may print faster than any page reads.
 */
import { INSIDE } from '../../teach/lab/lab-dirs.ts';
import { MACHINE, type SceneId } from '../messages.ts';
import { labEnvironment, type Scenes } from './labs.ts';
import type { Socket } from './page-session.ts';
import { labShell, openTerminal, type PageTerminal } from './terminal.ts';

const MOST_WAITING = 2 * 2 ** 20;
/**
 * Milliseconds without output after Enter, until the lesson is checked. A command may be silent at first, so its
 * later output, at the latest the prompt, causes another check. Each check waits twice as long as the one before: a
 * program that prints every second soon causes no more of them until it ends.
 */
const QUIET = 300;
const LONGEST_QUIET = 5000;

export class TerminalSession {
  private terminal: PageTerminal | undefined;
  private skipped = 0;
  /** 0 before the first Enter. */
  private quiet = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly at: SceneId,
    private readonly scenes: Scenes,
    private readonly actions: boolean,
  ) {}

  opened(): void {
    try {
      const [argv, env] = this.shell();
      this.terminal = openTerminal(argv, env, {
        output: (bytes) => this.output(bytes),
        ended: () => this.socket.close(1000, 'the shell has ended'),
      });
    } catch (error) {
      this.socket.close(1011, (error as Error).message.slice(0, 100));
    }
  }

  received(message: string | Uint8Array): void {
    if (typeof message === 'string') {
      const [, columns, rows] = /^(\d{1,4}) (\d{1,4})$/.exec(message) ?? [];
      if (columns !== undefined) this.terminal?.resize(Number(columns), Number(rows));
      return;
    }
    if (message.includes(CARRIAGE_RETURN)) {
      this.quiet = QUIET;
      this.checkSoon();
    }
    this.terminal?.write(message);
  }

  drained(): void {
    if (this.skipped === 0) return;
    this.socket.send(Buffer.from(`\r\n[${String(this.skipped)} bytes skipped]\r\n`));
    this.skipped = 0;
  }

  closed(): void {
    clearTimeout(this.timer);
    this.terminal?.end();
  }

  private output(bytes: Uint8Array): void {
    if (this.quiet > 0) this.checkSoon();
    if (this.socket.getBufferedAmount() > MOST_WAITING) this.skipped += bytes.length;
    else this.socket.send(bytes);
  }

  /** Files and processes change without a message of the kernel. */
  private checkSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.quiet = Math.min(2 * this.quiet, LONGEST_QUIET);
      if (this.at === MACHINE) return;
      try {
        this.scenes
          .open(this.at)
          .ask({ ask: 'check' })
          .catch(() => undefined);
      } catch {
        return; // The lab has just ended.
      }
    }, this.quiet);
  }

  private shell(): [readonly string[], NodeJS.ProcessEnv] {
    if (this.at !== MACHINE) return [this.scenes.wordsIn(this.at, labShell(INSIDE.rc)), labEnvironment()];
    if (!this.actions) throw new Error('a shell on the machine needs "minidock ui --allow-actions"');
    return [['bash', '-i'], { ...process.env, TERM: 'xterm-256color' }];
  }
}

const CARRIAGE_RETURN = 13;
