/**
 * `--step --explain=json`: for a program that goes through the steps. It prints a JSON object a line on standard error
 * and reads a word a line from standard input:
 *
 *     {"event":"plan","steps":[…]}        all steps, before anything is done
 *     {"event":"paused","id":…}           before each step; then a word: go, run-on, back or quit
 *     {"event":"done","id":…,"outcome":…,"ms":…}
 *
 * `back` undoes the step before and pauses again, with `undone`, `again` (what went with it and was done again) and
 * `failures`. It works until PID 1 has been started; from there on only `quit` undoes, everything. The end of standard
 * input is `quit`.
 */
import { createInterface } from 'node:readline';
import { printableJson } from '../../../runtime/printable.ts';
import type { ClientMessage, ShimMessage, StepWord } from '../../engine/shim/client/shim-protocol.ts';
import { stderr } from '../../io/standard-streams.ts';
import { throughExec } from './look.ts';
import type { ShimReporter } from './shim-reporter.ts';
import { stepObject } from './step-json.ts';

type Answer = (message: ClientMessage) => void;

const WORDS: readonly string[] = ['go', 'run-on', 'back', 'quit'] satisfies readonly StepWord[];

export function createJsonWalk(): ShimReporter {
  const typed: StepWord[] = [];
  let waiting: Answer | undefined;
  let ended = false;
  const hand = (): void => {
    if (waiting === undefined) return;
    const word = typed.shift() ?? (ended ? 'quit' : undefined);
    if (word === undefined) return;
    waiting({ type: 'step', word });
    waiting = undefined;
  };
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const word = line.trim();
      if (isWord(word)) typed.push(word);
      else print({ event: 'error', message: `expected ${WORDS.join(', ')}` });
      hand();
    })
    .on('close', () => {
      ended = true;
      hand();
    });
  return {
    onMessage: (message, answer) => {
      tell(message);
      if (message.type !== 'paused') return;
      waiting = answer;
      hand();
    },
    finished: () => {
      process.stdin.destroy();
      return Promise.resolve();
    },
  };
}

const isWord = (word: string): word is StepWord => WORDS.includes(word);

const print = (object: object): void => stderr.writeStyled(`${printableJson(object)}\n`);

function tell(message: ShimMessage): void {
  if (message.type === 'plan') {
    const steps = throughExec(message.steps, [message.container]);
    const titles = new Map(steps.map(({ id, title }) => [id, title]));
    print({
      event: 'plan',
      steps: steps.map((step, index) => stepObject(step, { n: index + 1, of: steps.length }, titles)),
    });
  } else if (message.type === 'paused') {
    const { id, undone, again, failures } = message;
    print({ event: 'paused', id, ...(undone === undefined ? {} : { undone, again, failures }) });
  } else if (message.type === 'step') {
    print({ event: 'done', id: message.id, outcome: message.outcome, ms: Number(message.ms.toFixed(3)) });
  }
}
