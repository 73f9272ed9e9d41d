/** `pull` */
import { formatReference, parseReference } from '../../images/reference.ts';
import { pullByName } from '../engine/pull.ts';
import { requireRoot } from '../engine/require-root.ts';
import type { Verb } from './verb.ts';
import { stdout } from '../engine/standard-streams.ts';

interface PullFlags {
  readonly quiet?: boolean;
  readonly platform?: string;
}

export const pull: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] NAME[:TAG|@DIGEST]')
      .argument('<name>')
      .option('-q, --quiet', 'Suppress verbose output')
      .option('--platform <string>', 'Platform of the image, e.g. linux/arm64')
      .action(async (name: string, flags: PullFlags) => {
        requireRoot('pull');
        await pullByName(engine, name, {
          quiet: flags.quiet ?? false,
          output: stdout,
          ...(flags.platform === undefined ? {} : { platform: flags.platform }),
        });
        stdout.write(`${formatReference(parseReference(name))}\n`);
      });
  },
};
