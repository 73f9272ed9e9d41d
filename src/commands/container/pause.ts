/** `pause` and `unpause`: all processes of a container stand still, and go on. */
import { findContainer } from '../../engine/reconcile.ts';
import { pauseContainer, planPause, planUnpause, unpauseContainer } from '../../engine/life/pause.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { explainHow, localReporterFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { forEachInTurn, forEachName } from '../shared/each.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import type { Verb } from '../shared/verb.ts';

const verb = (name: 'pause' | 'unpause', plan: typeof planPause, act: typeof pauseContainer): Verb => ({
  configure(command, context) {
    command
      .usage('CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .action(async (names: readonly string[], flags: ExplainFlags) => {
        requireRoot(name);
        const { containers, paths } = context.engine;
        const how = explainHow(flags);
        const each = how === undefined ? forEachName : forEachInTurn;
        await each(context, names, async (reference) => {
          const container = await findContainer(containers, reference);
          if (flags.dryRun === true) {
            const { printSteps } = await import('../../teach/explain/step-printer.ts');
            await printSteps(plan(container), how ?? 'full');
            return undefined;
          }
          const reporter = await localReporterFor(flags);
          await act(paths, container, reporter?.plan);
          reporter?.end();
          return reference;
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
});

export const pause = verb('pause', planPause, pauseContainer);
export const unpause = verb('unpause', planUnpause, unpauseContainer);
