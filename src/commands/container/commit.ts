/** `commit`: an image of a container's changes. */
import { commitContainer, planCommitOf } from '../../engine/files/commit.ts';
import { WHILE, withSpinner } from '../../ui/spinner.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface CommitFlags extends ExplainFlags {
  readonly author?: string;
  readonly change?: readonly string[];
  readonly message?: string;
  readonly pause: boolean;
}

export const commit: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] CONTAINER [REPOSITORY[:TAG]]')
      .argument('<container>')
      .argument('[reference]')
      .option('-a, --author <string>', 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")')
      .option('-c, --change <list>', 'Apply Dockerfile instruction to the created image', collect)
      .option('-m, --message <string>', 'Commit message')
      .option('--no-pause', 'Let the container run during commit (-p=false, --pause=false)')
      .action(async (name: string, reference: string | undefined, flags: CommitFlags) => {
        requireRoot('commit');
        const options = {
          author: flags.author ?? '',
          message: flags.message ?? '',
          changes: flags.change ?? [],
          pause: flags.pause,
          reference,
        };
        await explained(flags, {
          plan: () => planCommitOf(engine, name, options),
          perform: async (tell) => {
            const commit = (): ReturnType<typeof commitContainer> =>
              commitContainer(engine, name, options, tell);
            const quiet = tell !== undefined;
            const image = await withSpinner(`Making an image of ${name}`, commit, { after: WHILE, quiet });
            stdout.write(`${image.id}\n`);
          },
          nothing: 'there is nothing to commit',
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
