/**
 * One scene's process and the pages that look at it. What it says is checked and kept short: root of a lab may change
 * it. A page that opens later gets the last picture at once.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { signalTo } from '../../teach/lab/enter.ts';
import { readSceneTell, type SceneAsk, type SceneId, type SceneTell } from '../messages.ts';

/** Bytes of a line; a picture of 1,000 containers has about two million. */
const LONGEST_LINE = 8 * 2 ** 20;
/** Questions that wait for an answer. */
const MOST_QUESTIONS = 32;

interface Question {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface SceneListener {
  heard(at: SceneId, tell: SceneTell): void;
  ended(at: SceneId, why: string): void;
}

export class SceneProcess {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly questions = new Map<number, Question>();
  private readonly kept = new Map<SceneTell['tell'], SceneTell>();
  private count = 0;
  private text = '';
  private errors = '';
  private why = '';
  private over = false;

  constructor(
    readonly at: SceneId,
    argv: Argv,
    env: NodeJS.ProcessEnv,
    private readonly listener: SceneListener,
  ) {
    const [program, ...args] = argv;
    // A session of its own has no terminal, so that a program in a lab cannot type into ours.
    this.child = spawn(program, args, { stdio: 'pipe', cwd: '/', detached: true, env });
    this.child.stdout.setEncoding('utf8').on('data', (data: string) => this.receive(data));
    this.child.stderr.setEncoding('utf8').on('data', (data: string) => {
      this.errors = (this.errors + data).slice(-2000);
    });
    this.child.stdin.on('error', () => undefined);
    this.child.on('error', (error) => this.ended(error.message));
    this.child.on('exit', () => this.ended(this.errors.trim()));
  }

  /** Of each kind, in the order in which a page needs them. */
  get last(): readonly SceneTell[] {
    return [...this.kept.values()];
  }

  /** @throws MinidockError 'SCENE_ENDED', 'SCENE_BUSY', or what the scene says. */
  ask(ask: SceneAsk): Promise<unknown> {
    if (this.questions.size >= MOST_QUESTIONS) {
      throw new MinidockError({ code: 'SCENE_BUSY', message: `${this.at} still works on other questions` });
    }
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.questions.set(id, { resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ id, ask })}\n`);
    });
  }

  /** Resolves when it has gone. */
  end(): Promise<void> {
    const { child } = this;
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.stdin.end();
      child.kill();
    });
  }

  private receive(data: string): void {
    this.text += data;
    const lines = this.text.split('\n');
    this.text = lines.pop() ?? '';
    if (this.text.length > LONGEST_LINE || lines.some((line) => line.length > LONGEST_LINE)) {
      this.why = 'it said too much at once';
      this.text = '';
      // With what it has started.
      if (this.child.pid !== undefined) signalTo(-this.child.pid, 'SIGKILL');
      return;
    }
    for (const line of lines) {
      const tell = readSceneTell(line);
      if (tell !== undefined) this.hear(tell);
    }
  }

  private hear(tell: SceneTell): void {
    if (tell.tell === 'answer' || tell.tell === 'error') {
      const question = this.questions.get(tell.id);
      this.questions.delete(tell.id);
      if (tell.tell === 'answer') question?.resolve(tell.value);
      else question?.reject(new Error(tell.message));
      return;
    }
    this.kept.set(tell.tell, tell);
    this.listener.heard(this.at, tell);
  }

  private ended(words: string): void {
    if (this.over) return;
    this.over = true;
    const why = this.why === '' ? words : this.why;
    for (const { reject } of this.questions.values()) reject(new Error(`${this.at} has ended`));
    this.questions.clear();
    this.listener.ended(this.at, why);
  }
}
