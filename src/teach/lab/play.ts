/**
 * Inside a lab: checks a step, explains it, or does it by typing its solution into a shell, as a learner would. Only
 * kernel state decides whether a step is reached.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Writable } from 'node:stream';
import { delay } from '../../../runtime/io/delay.ts';
import { stdout } from '../../io/standard-streams.ts';
import { isUtf8 } from '../../ui/locale.ts';
import { renderGraph } from '../../diagnose/graph/draw.ts';
import { factsOf } from '../../diagnose/graph/facts.ts';
import type { Model } from '../../diagnose/graph/model.ts';
import { insideHost } from './inside.ts';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import type { Lesson, LessonStep, Requirement, Solution } from './lesson.ts';
import type { Picture } from './pictures.ts';
import type { Verdict } from './lesson-text.ts';

export async function checkStep(step: LessonStep): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  // One after the other: the ping of one check must not appear in the neighbour table of the next.
  for (const requirement of step.requirements) {
    const { text, found } = requirement;
    const reached = await isFulfilled(requirement);
    const instead = reached ? undefined : await found?.(insideHost).catch(() => undefined);
    verdicts.push({ text: instead === undefined ? text : `${text}; found: ${instead}`, holds: reached });
  }
  return verdicts;
}

/** The same, but stops at the first requirement that does not hold. */
export async function isReached({ requirements }: LessonStep): Promise<boolean> {
  for (const requirement of requirements) {
    if (!(await isFulfilled(requirement))) return false;
  }
  return true;
}

/** A check that throws looked for something that does not exist. */
const isFulfilled = ({ holds }: Requirement): Promise<boolean> => holds(insideHost).catch(() => false);

/** Background processes of a solution take a moment to start; a wrong state stays wrong. */
export async function checkSoon(step: LessonStep): Promise<Verdict[]> {
  const latest = Date.now() + SOON_MS;
  for (;;) {
    const verdicts = await checkStep(step);
    if (allHold(verdicts) || Date.now() > latest) return verdicts;
    await delay(50);
  }
}

const SOON_MS = 3000;

export const allHold = (verdicts: readonly Verdict[]): boolean => verdicts.every(({ holds }) => holds);

/** The picture of the whole host, or undefined if it cannot be drawn. */
export async function drawPicture(width: number): Promise<Picture | undefined> {
  const argv = [process.execPath, 'graph', '--all', '--format', 'json'] as const;
  const { status, stdout } = await insideHost.run([...argv], { timeoutMs: 20_000 });
  if (status !== 0 || stdout.trim() === '') return undefined;
  const model = JSON.parse(stdout) as Model;
  return { text: renderGraph(model, { width, ascii: !isUtf8() }), facts: factsOf(model) };
}

export interface TypedLine {
  readonly status: number;
  readonly output: string;
}

/** One shell for a whole lesson, so that variables, directories and jobs are there in later steps. */
export interface LabShell {
  type(line: Pick<Solution, 'command' | 'answers'>): Promise<TypedLine>;
  end(): void;
}

/** NUL ends each command, and the status after its output. */
const READER =
  'exec 2>&1; while IFS= read -r -d "" line; do eval "$line" </dev/null; printf "\\0%d\\n" "$?"; done';

export function openShell(): LabShell {
  const child = spawn('bash', ['-c', READER], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    // Programs use colours on a terminal, but this output may go to a file.
    env: { ...process.env, ...(stdout.isTTY ? {} : { NO_COLOR: '1' }) },
  }) as ChildProcessWithoutNullStreams;
  const keyboard = child.stdio[3] as Writable;
  let text = '';
  let wake = (): void => undefined;
  let ended = false;
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
    wake();
  });
  child.on('exit', () => {
    ended = true;
    wake();
  });
  child.stdin.on('error', () => undefined);
  keyboard.on('error', () => undefined);
  return {
    async type({ command, answers }) {
      const left = [...(answers ?? [])];
      let answered = 0;
      child.stdin.write(`${answers === undefined ? command : atTerminal(command)}\0`);
      for (;;) {
        if (left.length > 0 && text.length > answered && text.endsWith(': ')) {
          answered = text.length;
          keyboard.write(`${left.shift() ?? ''}\n`);
        }
        const end = /\0(\d+)\n/.exec(text);
        if (end !== null) {
          const output = text.slice(0, end.index);
          text = text.slice(end.index + end[0].length);
          return { status: Number(end[1]), output: output.replaceAll('\r\n', '\n') };
        }
        if (ended) return { status: 1, output: `${text}the shell ended\n` };
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    end: () => {
      child.stdin.end();
      keyboard.destroy();
      child.stdout.destroy();
      child.unref();
    },
  };
}

/** With a terminal of its own, whose keyboard is the shell's descriptor 3. */
const atTerminal = (command: string): string =>
  `${renderArgv(['script', '--quiet', '--return', '--command', command, '/dev/null'])} <&3`;

export interface PlayReport {
  typed(line: Solution, result: TypedLine): void;
}

/** Types the whole solution of a step. */
export async function playStep(shell: LabShell, step: LessonStep, report: PlayReport): Promise<void> {
  for (const line of step.solution) report.typed(line, await shell.type(line));
}

/** The steps before one, done again in a new lab. */
export async function playUpTo(lesson: Lesson, index: number): Promise<void> {
  const shell = openShell();
  for (const step of lesson.steps.slice(0, index)) {
    await playStep(shell, step, { typed: () => undefined });
  }
  shell.end();
}
