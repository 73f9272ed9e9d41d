/** `kill`: one signal, KILL by default. */
import { MinidockError } from '../../../runtime/errors.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { parseSignal } from '../../engine/spec/signals.ts';
import { killContainer } from '../../engine/stop.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { explainHow, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { forEachInTurn, forEachName } from '../shared/each.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import type { Verb } from '../shared/verb.ts';

/** Both errors name the container, as Docker's do. */
async function findTarget(
  store: ContainerStore,
  name: string,
  signal: string,
): Promise<{ readonly container: Container; readonly signal: number }> {
  try {
    return { container: await findContainer(store, name), signal: parseSignal(signal) };
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    const message = `cannot kill container: ${name}: ${error.message}`;
    throw new MinidockError({ code: error.code, message, cause: error });
  }
}

interface KillFlags extends ExplainFlags {
  readonly signal: string;
}

export const kill: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .option('-s, --signal <string>', 'Signal to send to the container', 'KILL')
      .action(async (names: readonly string[], flags: KillFlags) => {
        requireRoot('kill');
        const { containers } = context.engine;
        const told =
          explainHow(flags) === undefined ? undefined : await import('../../teach/explain/explain-stop.ts');
        const each = told === undefined ? forEachName : forEachInTurn;
        await each(context, names, async (name) => {
          const { signal, container } = await findTarget(containers, name, flags.signal);
          if (told !== undefined) return told.explainKill(containers, { container, name, signal }, flags);
          await killContainer(containers, container, signal);
          return name;
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
