/** `update` */
import { MinidockError } from '../../../runtime/errors.ts';
import { checkUpdate, planUpdate, updateContainer } from '../../engine/life/update.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { parseResources, type ResourceFlags } from '../../engine/spec/resource-flags.ts';
import { parseRestartPolicy } from '../../engine/spec/restart-flags.ts';
import type { Update } from '../../engine/spec/update.ts';
import { explainHow, localReporterFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { forEachInTurn } from '../shared/each.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { defineChangeableLimits } from '../shared/limit-flags.ts';
import type { Verb } from '../shared/verb.ts';

interface Changes extends ResourceFlags {
  readonly restart?: string;
}

export const update: Verb = {
  configure(command, context) {
    command.usage('[OPTIONS] CONTAINER [CONTAINER...]').argument('<containers...>');
    defineChangeableLimits(command);
    command
      .option('--blkio-weight <int>', 'Block IO (relative weight), between 10 and 1000, or 0 to disable')
      .option('--restart <string>', 'Restart policy to apply when a container exits')
      .action(async (names: readonly string[], { explain, dryRun, ...changes }: Changes & ExplainFlags) => {
        const flags = { ...(explain && { explain }), ...(dryRun && { dryRun }) };
        const asked = updateOf(changes);
        requireRoot('update');
        const { containers } = context.engine;
        const how = explainHow(flags);
        await forEachInTurn(context, names, async (reference) => {
          checkUpdate(asked);
          const container = await findContainer(containers, reference);
          if (dryRun === true) {
            const { printSteps } = await import('../../teach/explain/step-printer.ts');
            await printSteps(planUpdate(container, asked), how ?? 'full');
            return undefined;
          }
          const reporter = await localReporterFor(flags);
          await updateContainer(containers, container, asked, reporter?.plan);
          reporter?.end();
          return reference;
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};

/** @throws MinidockError 'NO_FLAGS' or 'INVALID_FLAG' in Docker's words. */
function updateOf({ restart, ...limits }: Changes): Update {
  const resources = parseResources(limits);
  if (restart === undefined && Object.keys(limits).length === 0) {
    throw new MinidockError({
      code: 'NO_FLAGS',
      message: 'you must provide one or more flags when using this command',
      exitCode: 1,
    });
  }
  return restart === undefined || restart === '' ? { resources } : { resources, restart: policyOf(restart) };
}

/** Docker's client exits with 1 here, where `run` exits with 125. */
function policyOf(text: string): NonNullable<Update['restart']> {
  try {
    return parseRestartPolicy(text);
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    throw new MinidockError({ code: 'INVALID_FLAG', message: error.message, exitCode: 1 });
  }
}
