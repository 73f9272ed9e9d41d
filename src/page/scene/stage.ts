/**
 * A command line on stage, in a lab: `minidock run --step --explain=json` runs beside this process and waits before each
 * step for a word. A step back is that program's `back`, the undo command of the step; once PID 1 is there, it is the
 * undo of everything by the journal, and then the same steps again up to the one before.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { SceneTell, StageAt, StageStep } from '../messages.ts';

/** Of a start that stops half-way. */
const STOPPED = 130;

const VERBS = ['run', 'start'];

interface Event {
  readonly event: 'plan' | 'paused' | 'done';
  readonly id?: string;
  readonly steps?: readonly StageStep[];
  readonly outcome?: string;
  readonly ms?: number;
  readonly undone?: readonly string[];
  readonly again?: readonly string[];
  readonly failures?: readonly string[];
}

export class Stage {
  private child: ChildProcessWithoutNullStreams | undefined;
  private steps: readonly StageStep[] = [];
  private done = 0;
  private note = '';
  private output = '';
  private wake = (): void => undefined;
  private state: StageAt['state'] = 'busy';
  /** Of a `run` that is done. */
  private container: string | undefined;

  private constructor(
    private readonly words: readonly string[],
    private readonly tell: (words: SceneTell) => void,
  ) {}

  /**
   * What stood on stage before makes room if it is in the way, with its name for instance.
   *
   * @throws Error for a verb without steps to wait for, or what the command says.
   */
  static async open(
    words: readonly string[],
    tell: (words: SceneTell) => void,
    former?: Stage,
  ): Promise<Stage> {
    const [verb = ''] = words;
    if (!VERBS.includes(verb)) throw new Error(`on stage go: ${VERBS.join(', ')}`);
    const stage = new Stage(words, tell);
    await stage.launch();
    if (stage.steps.length === 0 && (await former?.remove()) === true) await stage.launch();
    if (stage.steps.length === 0) throw new Error(stage.output.trim() || 'there is no step');
    return stage;
  }

  async step(): Promise<void> {
    if (this.state !== 'waiting') throw new Error('no step waits');
    await this.say('go');
  }

  async back(): Promise<void> {
    if (this.done === 0) throw new Error('nothing has been done');
    const start = this.steps.findIndex(({ id }) => id === 'process.start');
    if (this.state === 'waiting' && this.done <= start) {
      await this.say('back');
      return;
    }
    const target = this.done - 1;
    await this.end();
    const undone = this.note;
    await this.launch();
    while (this.done < target && this.state === 'waiting') await this.say('go');
    this.note = `${undone} Then the first ${target} steps were done again.`;
    this.report();
  }

  /** Undoes everything by the journal. */
  async end(): Promise<void> {
    if (this.state === 'ended') return;
    await this.say('quit');
  }

  /** The button "Undo all": also of a start that is done. */
  async clear(): Promise<void> {
    if (this.state === 'waiting') return this.end();
    if (!(await this.remove())) return;
    this.done = 0;
    this.note = 'Undone: minidock rm -f.';
    this.report();
  }

  /** Whether there was a container, which is gone now. */
  private async remove(): Promise<boolean> {
    const { container } = this;
    this.container = undefined;
    if (container === undefined) return false;
    const child = spawn(process.execPath, ['rm', '-f', container], { stdio: 'ignore' });
    return await new Promise<boolean>((resolve) => {
      child.on('error', () => resolve(false));
      child.on('close', (code) => resolve(code === 0));
    });
  }

  private async launch(): Promise<void> {
    const [verb = '', ...rest] = this.words;
    const detached = verb === 'run' && !rest.some((word) => word === '-d' || word === '--detach');
    const argv = [verb, '--step', '--explain=json', ...(detached ? ['-d'] : []), ...rest];
    this.state = 'busy';
    this.done = 0;
    this.output = '';
    const child = spawn(process.execPath, argv, { stdio: 'pipe', env: { ...process.env, NO_COLOR: '1' } });
    this.child = child;
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.keep(text));
    createInterface({ input: child.stderr }).on('line', (line) => this.hear(line));
    const ended = new Promise<void>((resolve) =>
      child.on('close', (code) => {
        this.state = 'ended';
        this.note = code === 0 ? `It runs: ${this.output.trim().slice(0, 12)}.` : this.output.trim();
        this.container = code === 0 ? /^[0-9a-f]{64}$/m.exec(this.output)?.[0] : undefined;
        if (code === STOPPED) {
          this.done = 0;
          this.note = `Undone, by the journal. ${this.note}`;
        }
        this.wake();
        resolve();
      }),
    );
    await Promise.race([this.settled(), ended]);
    this.tell({ tell: 'stage', stage: { words: this.words, steps: this.steps } });
    this.report();
  }

  private async say(word: string): Promise<void> {
    this.state = 'busy';
    this.report();
    const settled = this.settled();
    this.child?.stdin.write(`${word}\n`);
    await settled;
    this.report();
  }

  private settled(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }

  private hear(line: string): void {
    const event = parse(line);
    if (event === undefined) {
      this.keep(`${line}\n`);
      return;
    }
    if (event.event === 'plan') {
      this.steps = (event.steps ?? []).map((step) => ({ ...step, reversible: step.undo !== '' }));
    } else if (event.event === 'done') {
      const index = this.steps.findIndex(({ id }) => id === event.id);
      const title = this.steps[index]?.title ?? '';
      this.done = index + 1;
      this.note = `${title}: ${event.outcome ?? ''}${event.ms === undefined ? '' : `, ${event.ms.toFixed(1)} ms`}.`;
    } else {
      this.done = Math.max(
        0,
        this.steps.findIndex(({ id }) => id === event.id),
      );
      if (event.undone !== undefined) this.note = undoneText(event);
      this.state = 'waiting';
      this.wake();
    }
  }

  private keep(text: string): void {
    this.output = (this.output + text).slice(-4000);
  }

  private report(): void {
    const { done, state, note } = this;
    this.tell({ tell: 'stage-at', at: { done, state, note } });
  }
}

function undoneText({ id, undone = [], again = [], failures = [] }: Event): string {
  const owner = undone.at(-1) ?? '';
  const words =
    undone.length === 0
      ? 'This step needs no undo: it serves every container.'
      : owner === id
        ? `Undone: ${owner}.`
        : `Undone with ${owner}: ${id ?? ''}; then ${again.length === 1 ? 'one step was' : `${again.length} steps were`} done again.`;
  return [words, ...failures].join(' ');
}

function parse(line: string): Event | undefined {
  try {
    const value = JSON.parse(line) as Partial<Event>;
    return typeof value.event === 'string' ? (value as Event) : undefined;
  } catch {
    return undefined; // Words of the command.
  }
}
