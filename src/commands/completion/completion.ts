/** `completion SHELL`: the script that a shell loads. */
import { MinidockError } from '../../../runtime/errors.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { Verb } from '../shared/verb.ts';
import { SHELLS } from './scripts.ts';

export const completion: Verb = {
  configure(command) {
    command
      .usage('bash|zsh|fish')
      .argument('<shell>')
      .action((shell: string) => {
        const script = SHELLS[shell];
        if (script === undefined) {
          throw new MinidockError({
            code: 'INVALID_ARGUMENT',
            message: `there is no completion for the shell "${shell}"`,
            hint: `It is one of ${Object.keys(SHELLS).join(', ')}.`,
          });
        }
        stdout.write(script);
      });
  },
};
