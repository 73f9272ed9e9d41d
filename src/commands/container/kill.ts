/** `kill`: one signal, KILL by default. */
import { MinidockError } from '../../../runtime/errors.ts';
import { signalContainer } from '../../engine/lifecycle.ts';
import { findContainer } from '../../engine/refresh.ts';
import { endsContainer } from '../../engine/life/manual-stop.ts';
import { thawToEnd } from '../../engine/life/pause.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { waitForShim } from '../../engine/shim/client/shim-client.ts';
import { parseSignal } from '../../engine/spec/signals.ts';
import { untilOver } from '../../engine/until-over.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { forEachName } from '../shared/each.ts';
import type { Verb } from '../shared/verb.ts';

const SIGKILL = 9;

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

export const kill: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .option('-s, --signal <string>', 'Signal to send to the container', 'KILL')
      .action(async (names: readonly string[], flags: { readonly signal: string }) => {
        requireRoot('kill');
        const { containers } = context.engine;
        await forEachName(context, names, async (name) => {
          const { signal, container } = await findTarget(containers, name, flags.signal);
          // After KILL the container is gone when this returns, as with Docker.
          const ended =
            signal === SIGKILL
              ? untilOver(containers, container, waitForShim(containers.paths, container.config.id), 'force')
              : undefined;
          signalContainer(container, signal);
          if (endsContainer(container.config.spec, signal)) await thawToEnd(containers.paths, container);
          await ended;
          return name;
        });
      });
  },
};
