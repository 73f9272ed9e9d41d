/** `rename` */
import { MinidockError } from '../../../runtime/errors.ts';
import { renameContainer } from '../../engine/lifecycle.ts';
import { hasProgram } from '../../engine/spec/container.ts';
import { isValidName } from '../../engine/state/store.ts';
import { planRename } from '../../engine/plans/file-verb-plans.ts';
import { performSteps } from '../../engine/state/perform-step.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import type { Verb } from '../shared/verb.ts';

export const rename: Verb = {
  configure(command, { engine }) {
    command
      .usage('CONTAINER NEW_NAME')
      .argument('<container>')
      .argument('<name>')
      .action(async (from: string, to: string, flags: ExplainFlags) => {
        const { config } = engine.containers.find(from);
        const name = to.replace(/^\//, '');
        if (!isValidName(name)) {
          throw new MinidockError({
            code: 'INVALID_NAME',
            message: `Invalid container name (${to}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
            exitCode: 1,
          });
        }
        if (name === config.name) {
          throw new MinidockError({
            code: 'SAME_NAME',
            message: 'Renaming a container with the same name as its current name',
            exitCode: 1,
          });
        }
        const steps = planRename(engine.paths, config, name);
        await explained(flags, {
          plan: () => {
            const taken = engine.containers.names.refusalOf(name);
            if (taken !== undefined) throw taken;
            return steps;
          },
          perform: async (tell) => {
            tell?.(steps);
            await performSteps(steps, async () => {
              renameContainer(engine.containers, from, name);
              const renamed = engine.containers.find(config.id);
              if (!hasProgram(renamed.state)) return;
              const { announceNames } = await import('../../engine/network/naming.ts');
              announceNames(engine.paths, renamed.config, renamed.state.network);
            });
          },
          nothing: 'there is nothing to rename',
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
