/** `pull` */
import { formatReference, parseReference } from '../../../images/reference.ts';
import { pullByName } from '../../engine/pull.ts';
import { createPullProgress } from '../../ui/progress.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { inMode, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface PullFlags extends ExplainFlags {
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
        const options = {
          quiet: flags.quiet ?? false,
          output: stdout,
          ...(flags.platform === undefined ? {} : { platform: flags.platform }),
        };
        await inMode(flags, {
          dryRun: async (how) => {
            const { printPull } = await import('../../teach/explain/explain-pull.ts');
            await printPull(engine, name, options, how);
          },
          perform: async (how) => {
            if (how === undefined)
              await pullByName(engine, name, { ...options, progress: createPullProgress });
            else {
              const { explainPull } = await import('../../teach/explain/explain-pull.ts');
              await explainPull(engine, name, options, how);
            }
            stdout.write(`${formatReference(parseReference(name))}\n`);
          },
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
