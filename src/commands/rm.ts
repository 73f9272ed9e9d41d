/** `rm`: remove containers, and with -v their anonymous volumes. */
import { removeContainer } from '../engine/lifecycle.ts';
import { findContainer } from '../engine/refresh.ts';
import { requireRoot } from '../engine/require-root.ts';
import { forEachName } from './each.ts';
import type { Verb } from './verb.ts';
import { stderr } from '../engine/standard-streams.ts';

export const rm: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .option('-f, --force', 'Force the removal of a running container (uses SIGKILL)')
      .option('-v, --volumes', 'Remove anonymous volumes associated with the container')
      .action(
        async (names: readonly string[], flags: { readonly force?: boolean; readonly volumes?: boolean }) => {
          requireRoot('rm');
          const { containers } = context.engine;
          await forEachName(context, names, async (name) => {
            try {
              const container = await findContainer(containers, name);
              await removeContainer(containers, container, {
                force: flags.force ?? false,
                volumes: flags.volumes ?? false,
              });
              return name;
            } catch (error) {
              // `rm -f` of what does not exist says so and succeeds, since Docker 20.10.
              if (flags.force !== true || (error as { code?: string }).code !== 'NO_SUCH_CONTAINER')
                throw error;
              stderr.write(`minidock: ${(error as Error).message}\n`);
              return undefined;
            }
          });
        },
      );
  },
};
