/** `rename` */
import { MinidockError } from '../../../runtime/errors.ts';
import { renameContainer } from '../../engine/lifecycle.ts';
import { hasProgram } from '../../engine/spec/container.ts';
import { isValidName } from '../../engine/state/store.ts';
import type { Verb } from '../shared/verb.ts';

export const rename: Verb = {
  configure(command, { engine }) {
    command
      .usage('CONTAINER NEW_NAME')
      .argument('<container>')
      .argument('<name>')
      .action(async (from: string, to: string) => {
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
        renameContainer(engine.containers, from, name);
        const renamed = engine.containers.find(config.id);
        if (!hasProgram(renamed.state)) return;
        const { announceNames } = await import('../../engine/network/naming.ts');
        announceNames(engine.paths, renamed.config, renamed.state.network);
      });
  },
};
