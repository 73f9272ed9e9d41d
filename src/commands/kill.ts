/** `kill`: one signal, KILL unless told otherwise. */
import { findContainer, signalContainer } from '../engine/lifecycle.ts';
import { requireRoot } from '../engine/require-root.ts';
import { waitForShim } from '../engine/shim-client.ts';
import { parseSignal } from '../engine/signals.ts';
import { forEachName } from './each.ts';
import type { Verb } from './verb.ts';

const SIGKILL = 9;

export const kill: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .option('-s, --signal <string>', 'Signal to send to the container', 'KILL')
      .action(async (names: readonly string[], flags: { readonly signal: string }) => {
        requireRoot('kill');
        const signal = parseSignal(flags.signal);
        const { containers } = context.engine;
        await forEachName(context, names, async (name) => {
          const container = await findContainer(containers, name);
          // After KILL the container is gone when this returns, as with Docker.
          const ended = signal === SIGKILL ? waitForShim(containers.paths, container.config.id) : undefined;
          signalContainer(container, signal);
          await ended;
          return name;
        });
      });
  },
};
