/** `rm`: remove containers, and with -v their anonymous volumes. */
import { removeContainer } from '../../engine/lifecycle.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { explainHow, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { forEachInTurn, forEachName } from '../shared/each.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import type { Context, Verb } from '../shared/verb.ts';
import { stderr } from '../../io/standard-streams.ts';

export const rm: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .option('-f, --force', 'Force the removal of a running container (uses SIGKILL)')
      .option('-v, --volumes', 'Remove anonymous volumes associated with the container')
      .action((names: readonly string[], flags: RmFlags) => removeAll(context, names, flags));
    defineExplainFlags(command, { dryRun: true });
  },
};

interface RmFlags extends ExplainFlags {
  readonly force?: boolean;
  readonly volumes?: boolean;
}

async function removeAll(context: Context, names: readonly string[], flags: RmFlags): Promise<void> {
  requireRoot('rm');
  const { containers } = context.engine;
  const { force = false, volumes = false } = flags;
  const told =
    explainHow(flags) === undefined ? undefined : await import('../../teach/explain/explain-stop.ts');
  const each = told === undefined ? forEachName : forEachInTurn;
  await each(context, names, async (name) => {
    try {
      if (told !== undefined) return await told.explainRemoval(containers, name, { force, volumes }, flags);
      await removeContainer(containers, await findContainer(containers, name), { force, volumes });
      return name;
    } catch (error) {
      // `rm -f` of what does not exist says so and succeeds, since Docker 20.10.
      if (!force || (error as { code?: string }).code !== 'NO_SUCH_CONTAINER') throw error;
      stderr.write(`minidock: ${(error as Error).message}\n`);
      return undefined;
    }
  });
}
