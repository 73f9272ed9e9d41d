/** The flags that make a verb show its steps: --explain[=chapters|steps|all|short|json], --dry-run, --step. */
import { MinidockError } from '../../../runtime/errors.ts';
import type { ShimReporter } from './shim-reporter.ts';
import type { LocalReporter } from './local-reporter.ts';
import { HOWS, type ExplainHow } from './how.ts';

export interface ExplainFlags {
  readonly explain?: string;
  readonly dryRun?: boolean;
  readonly step?: boolean;
}

/** How to show the steps; undefined without these flags. @throws MinidockError 'INVALID_FLAG'. */
export function explainHow({ explain, dryRun, step }: ExplainFlags): ExplainHow | undefined {
  if (dryRun === true && step === true)
    throw invalid('conflicting options: with --dry-run nothing is done, and --step has nothing to wait for');
  if (explain === undefined) return dryRun === true || step === true ? 'full' : undefined;
  // The older name of all.
  const how = explain === 'all' ? 'full' : HOWS.find((one) => one === explain);
  if (how === undefined) {
    throw invalid(
      `invalid argument "${explain}" for "--explain" flag: must be one of "chapters", "steps", "all", "short" or "json"`,
    );
  }
  if (step === true && how === 'chapters') {
    throw invalid('conflicting options: --step waits before each step, and --explain=chapters has no steps');
  }
  // Before a step nothing can be held back.
  return step === true && how === 'steps' ? 'full' : how;
}

/** What a verb does in each of its modes. */
export interface Modes<T> {
  /** --script, where the verb has it: print a script. */
  readonly script?: () => Promise<T>;
  /** --dry-run: print the steps and do nothing. */
  readonly dryRun: (how: ExplainHow) => Promise<T>;
  /** Do it; `how` says how to report the steps, undefined not to. */
  readonly perform: (how: ExplainHow | undefined) => Promise<T>;
}

/** The one place where flags choose the mode of a verb. @throws MinidockError 'INVALID_FLAG'. */
export async function inMode<T>(
  flags: ExplainFlags & { readonly script?: boolean },
  { script, dryRun, perform }: Modes<T>,
): Promise<T> {
  const how = explainHow(flags);
  if (flags.script === true && script !== undefined) {
    if (how === undefined) return await script();
    throw invalid(
      'conflicting options: --script explains its steps itself, without --explain, --dry-run and --step',
    );
  }
  return await (flags.dryRun === true ? dryRun(how ?? 'full') : perform(how));
}

/**
 * The reporter of the steps; undefined without these flags. @throws MinidockError 'NO_TERMINAL' for --step without a
 * terminal.
 */
export async function shimReporterFor(flags: ExplainFlags): Promise<ShimReporter | undefined> {
  const how = explainHow(flags);
  if (how === undefined) return undefined;
  if (flags.step === true && how === 'json') return (await import('./walk-json.ts')).createJsonWalk();
  if (flags.step === true) return (await import('./walk.ts')).createWalk(how);
  return (await import('./shim-reporter.ts')).createShimReporter(how);
}

/** The same for steps of this process, or of a process that reports to it. */
export async function localReporterFor(flags: ExplainFlags): Promise<LocalReporter | undefined> {
  const how = explainHow(flags);
  return how === undefined ? undefined : (await import('./local-reporter.ts')).createLocalReporter(how);
}

const invalid = (message: string): MinidockError =>
  new MinidockError({ code: 'INVALID_FLAG', message, exitCode: 125 });
