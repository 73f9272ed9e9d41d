/** `wait`: the exit status of each, when it has one. */
import { waitForExit } from '../../engine/lifecycle.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { forEachName } from '../shared/each.ts';
import type { Verb } from '../shared/verb.ts';

export const wait: Verb = {
  configure(command, context) {
    command
      .usage('CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .action(async (names: readonly string[]) => {
        const { containers } = context.engine;
        await forEachName(context, names, async (name) =>
          String(await waitForExit(containers, await findContainer(containers, name))),
        );
      });
  },
};
