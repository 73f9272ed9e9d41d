/**
 * `--step`: shows each step and the state before it, waits for a key, then shows the state after it. The state is the
 * output of the step's `Look` command. This process runs it on the host while the shim waits.
 *
 * It reads whole lines from the terminal with a blocking read(2). Ctrl-C therefore ends this process at once, and the
 * shim, which then has no client, undoes what has been done.
 */
import { existsSync, readSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import { lookAt } from '../../../runtime/plan/read-program.ts';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { printable } from '../../../runtime/printable.ts';
import type { StepTime } from '../../../runtime/plan/step-span.ts';
import type { ClientMessage, ShimMessage, StepWord } from '../../engine/shim/client/shim-protocol.ts';
import { stderr, stdinIsTerminal } from '../../io/standard-streams.ts';
import { colorsFor, type Colors } from '../../ui/colors.ts';
import type { Explainer } from './explainer.ts';
import type { ExplainHow } from './how.ts';
import type { ShimReporter } from './shim-reporter.ts';
import { fromHost, type Place } from './look.ts';
import { createLineExplainer } from './step-line.ts';
import { explainerFor } from './step-printer.ts';

type Answer = (message: ClientMessage) => void;

/** The largest number of lines of a look. */
const SHOWN = 12;

export async function createWalk(how: ExplainHow): Promise<ShimReporter> {
  if (!stdinIsTerminal() || !stderr.isTTY) {
    throw new MinidockError({
      code: 'NO_TERMINAL',
      message: '--step waits for a key before each step, and there is no terminal to press one on',
      hint: '--explain shows the same steps without waiting; --dry-run shows them and does nothing.',
      exitCode: 125,
    });
  }
  const colors = await colorsFor(stderr);
  const walk = new Walk(await explainerFor(how, stderr), createLineExplainer({ colors }), colors);
  let told = Promise.resolve();
  return {
    onMessage: (message, answer) => {
      told = told.then(() => walk.receive(message, answer));
    },
    finished: () => told,
  };
}

class Walk {
  private steps: readonly Step[] = [];
  private asked: { readonly step: Step; readonly look: Argv | undefined; readonly pid?: number } | undefined;

  constructor(
    private readonly explainer: Explainer,
    /** After `s`, steps print one line each, not their full text. */
    private readonly brief: Explainer,
    private readonly colors: Colors,
  ) {}

  async receive(message: ShimMessage, answer: Answer): Promise<void> {
    if (message.type === 'plan') this.steps = message.steps;
    else if (message.type === 'paused') await this.ask(message.id, message.pid, answer);
    else if (message.type === 'step') await this.done(message);
  }

  private async ask(id: string, pid: number | undefined, answer: Answer): Promise<void> {
    const index = this.steps.findIndex((step) => step.id === id);
    const step = this.steps[index];
    if (step === undefined) return answer({ type: 'step', word: 'go' });
    const look = this.lookAt(step, index, pid);
    this.asked = { step, look, ...(pid === undefined ? {} : { pid }) };
    // The look is shown with its output instead.
    const { observe: _, ...told } = step;
    stderr.writeStyled(this.explainer.stepStarted(told, index + 1, this.steps.length));
    await this.show('Before:', look);
    const word = readWord(this.colors);
    answer({ type: 'step', word });
  }

  private async done(result: StepTime): Promise<void> {
    const index = this.steps.findIndex((step) => step.id === result.id);
    const step = this.steps[index];
    if (step === undefined) return;
    const asked = this.asked?.step.id === step.id ? this.asked : undefined;
    const explainer = asked === undefined ? this.brief : this.explainer;
    if (asked === undefined) stderr.writeStyled(explainer.stepStarted(step, index + 1, this.steps.length));
    stderr.writeStyled(explainer.stepDone(step, result.ms, result.outcome));
    if (asked === undefined) return;
    const { pid } = asked;
    this.asked = undefined;
    if (pid !== undefined && !existsSync(`/proc/${String(pid)}`)) {
      stderr.writeStyled(`    ${this.colors.dim('After:')}  the program has ended already\n`);
    } else await this.show('After: ', this.lookAt(step, index + 1, pid));
  }

  /** From the host, with PID 1 in its state after `index` steps of the plan. */
  private lookAt({ observe, observeFrom }: Step, index: number, pid: number | undefined): Argv | undefined {
    return observe === undefined || observeFrom !== 'inside' || pid === undefined
      ? observe
      : fromHost(observe, this.placeOf(index, pid));
  }

  /** For the process `pid` after `index` steps of the plan. */
  private placeOf(index: number, pid: number): Place {
    const pivot = this.steps.findIndex(({ command }) => command.kind === 'pivot-root');
    const command = this.steps[pivot]?.command;
    return { pid, root: command?.kind === 'pivot-root' && index <= pivot ? command.newRoot : '' };
  }

  private async show(label: string, look: Argv | undefined): Promise<void> {
    if (look === undefined) return;
    const lines = (await lookAt(look))
      .replace(/\0/g, ' ')
      .split('\n')
      .filter((line) => line.trim() !== '');
    const more = lines.length - SHOWN;
    const shown = more > 1 ? [...lines.slice(0, SHOWN), `(${String(more)} lines more)`] : lines;
    const { dim, cyan } = this.colors;
    stderr.writeStyled(
      `    ${dim(label)} ${cyan(`$ ${renderArgv(look)}`)}\n` +
        (shown.length === 0 ? ['(nothing)'] : shown)
          .map((line) => `            ${printable(line)}\n`)
          .join(''),
    );
  }
}

function readWord({ bold }: Colors): StepWord {
  for (;;) {
    stderr.writeStyled(
      `    ${bold('Enter')} does it, ${bold('s Enter')} all that follow too, ${bold('q Enter')} undoes what is done: `,
    );
    switch (readTerminalLine()?.trim().toLowerCase()) {
      case '':
        return 'go';
      case 's':
        return 'run-on';
      case 'q':
      case undefined:
        return 'quit';
    }
  }
}

/** undefined at end of file (Ctrl-D or a hang-up). */
function readTerminalLine(): string | undefined {
  const buffer = Buffer.alloc(4096);
  try {
    const length = readSync(0, buffer);
    return length === 0 ? undefined : buffer.toString('utf8', 0, length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return undefined;
    throw error;
  }
}
