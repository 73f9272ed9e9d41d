/**
 * Folding: neighbouring steps that one process can carry out become one group, because starting a process costs
 * more than what it does. `ip` reads commands from `-batch -`, one namespace a batch, and stops at the first
 * failure; `nft -f -` takes all or nothing. Directories and files of the kernel's are made one by one all the same,
 * but with one entry in the journal. Only `apply` knows of groups: every other reader sees single steps.
 */
import type { HostStep } from './step.ts';
import type { Argv } from './argv.ts';

export interface StepGroup {
  readonly steps: readonly HostStep[];
  /** How the steps are carried out together; absent where each is carried out as it stands. */
  readonly batch?: { readonly argv: Argv; readonly input: string; readonly linesPerStep: readonly number[] };
}

export function foldSteps(steps: readonly HostStep[]): readonly StepGroup[] {
  const groups: HostStep[][] = [];
  let previousKey: string | undefined;
  for (const step of steps) {
    const key = foldKey(step);
    const last = groups.at(-1);
    if (last !== undefined && key !== undefined && key === previousKey) last.push(step);
    else groups.push([step]);
    previousKey = key;
  }
  return groups.map(toGroup);
}

const KERNEL_FILES = 'kernel files';

/** Equal keys fold together; a step with a check must be looked at on its own and never folds. */
function foldKey(step: HostStep): string | undefined {
  if (step.check !== undefined) return undefined;
  if (step.command.kind === 'write' || step.command.kind === 'mkdir') return KERNEL_FILES;
  if (step.command.kind !== 'run') return undefined;
  const [program, first, second] = step.command.argv;
  if (program === 'nft' && step.command.argv.every((word) => word !== '-c')) return 'nft';
  if (program !== 'ip' || step.command.input !== undefined) return undefined;
  if (first === '-n') return `ip -n ${second ?? ''}`;
  return first?.startsWith('-') === true ? undefined : 'ip';
}

function toGroup(steps: readonly HostStep[]): StepGroup {
  const key = steps.length > 1 ? foldKey(steps[0] as HostStep) : undefined;
  if (key === undefined || key === KERNEL_FILES) return { steps };
  const texts = steps.map(batchText);
  const linesPerStep = texts.map((text) => text.split('\n').length);
  const input = texts.join('\n') + '\n';
  if (key === 'nft') return { steps, batch: { argv: ['nft', '-f', '-'], input, linesPerStep } };
  const argv: Argv = key === 'ip' ? ['ip', '-batch', '-'] : ['ip', '-n', key.slice(6), '-batch', '-'];
  return { steps, batch: { argv, input, linesPerStep } };
}

function batchText(step: HostStep): string {
  if (step.command.kind !== 'run') throw new Error(`step ${step.id} is not a program`);
  const { argv, input } = step.command;
  if (input !== undefined) return input.replace(/\n+$/, '');
  const words = argv[1] === '-n' ? argv.slice(3) : argv.slice(1);
  return words.join(' ');
}

/** The step whose line a batch's error message names (`Command failed -:3`, `/dev/stdin:3:1-20: Error`). */
export function failingStep(group: StepGroup, stderr: string): HostStep | undefined {
  if (group.batch === undefined) return group.steps[0];
  const match = /Command failed -:(\d+)/.exec(stderr) ?? /(?:stdin|-):(\d+):\d+/.exec(stderr);
  if (match === null) return undefined;
  let line = Number(match[1]);
  for (const [index, count] of group.batch.linesPerStep.entries()) {
    if (line <= count) return group.steps[index];
    line -= count;
  }
  return undefined;
}
