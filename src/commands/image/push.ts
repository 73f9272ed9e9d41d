/** `push`: an image, or every tag of a repository, to its registry. */
import { pushByName } from '../../engine/registry/push.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import { createPushProgress } from '../../ui/progress.ts';
import { inMode, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { CONTENT_TRUST, refuseContentTrust } from '../shared/content-trust.ts';
import type { Verb } from '../shared/verb.ts';

interface PushFlags extends ExplainFlags {
  readonly allTags?: boolean;
  readonly quiet?: boolean;
  readonly platform?: string;
  /** false: signatures are to be checked. */
  readonly disableContentTrust: boolean;
}

export const push: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] NAME[:TAG]')
      .argument('<name>')
      .option('-a, --all-tags', 'Push all tags of an image to the repository')
      .option('-q, --quiet', 'Suppress verbose output')
      .option('--platform <string>', 'Fail unless the image is of this platform, e.g. linux/arm64')
      .option('--no-disable-content-trust', CONTENT_TRUST)
      .action(async (name: string, flags: PushFlags) => {
        refuseContentTrust(flags);
        requireRoot('push');
        const { allTags: all = false, quiet = false, platform } = flags;
        const options = { all, quiet, platform, output: stdout };
        await inMode(flags, {
          dryRun: async (how) => {
            const { printPush } = await import('../../teach/explain/explain-push.ts');
            await printPush(engine, name, options, how);
          },
          perform: async (how) => {
            if (how === undefined)
              await pushByName(engine, name, { ...options, progress: createPushProgress });
            else {
              const { explainPush } = await import('../../teach/explain/explain-push.ts');
              await explainPush(engine, name, options, how);
            }
          },
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
