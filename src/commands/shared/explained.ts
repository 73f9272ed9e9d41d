/** A verb whose steps this process does, in its three modes: done, done and told, only told. */
import type { Step } from '../../../runtime/plan/step.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import {
  explainHow,
  inMode,
  localReporterFor,
  type ExplainFlags,
} from '../../teach/explain/explain-flags.ts';
import { forEachInTurn, forEachName } from './each.ts';
import type { Context } from './verb.ts';

export type Tell = (steps: readonly Step[]) => void;

export interface Explained {
  /** For --dry-run. Nothing is touched; throws what `perform` would. */
  readonly plan: () => readonly Step[] | Promise<readonly Step[]>;
  /** Passes its steps to `tell`, then does them. */
  readonly perform: (tell?: Tell) => void | Promise<void>;
  /** Why there may be no step. */
  readonly nothing: string;
}

/** true if it was done. */
export async function explained(
  flags: ExplainFlags,
  { plan, perform, nothing }: Explained,
): Promise<boolean> {
  const how = explainHow(flags);
  return await inMode(flags, {
    dryRun: async () => {
      const steps = await plan();
      const { printSteps, sayNothing } = await import('../../teach/explain/step-printer.ts');
      if (steps.length === 0) sayNothing(stdout, how ?? 'full', nothing);
      else await printSteps(steps, how ?? 'full');
      return false;
    },
    perform: async () => {
      const reporter = await localReporterFor(flags);
      if (reporter === undefined || how === undefined) {
        await perform();
        return true;
      }
      const { sayNothing } = await import('../../teach/explain/step-printer.ts');
      try {
        await perform((steps) => {
          if (steps.length === 0) sayNothing(stderr, how, nothing);
          reporter.plan(steps);
        });
      } finally {
        // The next name has steps of the same ids.
        reporter.end();
      }
      return true;
    },
  });
}

/** For several names; one after the other where their steps are shown. */
export async function eachExplained(
  context: Context,
  names: readonly string[],
  flags: ExplainFlags,
  verb: {
    readonly plan: (name: string) => readonly Step[] | Promise<readonly Step[]>;
    readonly perform: (name: string, tell?: Tell) => void | Promise<void>;
    readonly nothing: (name: string) => string;
  },
): Promise<void> {
  const each = explainHow(flags) === undefined ? forEachName : forEachInTurn;
  await each(context, names, async (name) => {
    const done = await explained(flags, {
      plan: () => verb.plan(name),
      perform: (tell) => verb.perform(name, tell),
      nothing: verb.nothing(name),
    });
    return done ? name : undefined;
  });
}
