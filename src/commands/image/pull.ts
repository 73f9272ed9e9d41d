/** `pull` */
import { formatReference, parseReference, repositoryName } from '../../../images/reference.ts';
import type { Engine } from '../../engine/engine.ts';
import { pullByName, type PullByNameOptions } from '../../engine/images/pull.ts';
import { createPullProgress } from '../../ui/progress.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { inMode, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { CONTENT_TRUST, refuseContentTrust } from '../shared/content-trust.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface PullFlags extends ExplainFlags {
  readonly allTags?: boolean;
  readonly quiet?: boolean;
  readonly platform?: string;
  /** false: signatures are to be checked. */
  readonly disableContentTrust: boolean;
}

export const pull: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] NAME[:TAG|@DIGEST]')
      .argument('<name>')
      .option('-a, --all-tags', 'Download all tagged images in the repository')
      .option('-q, --quiet', 'Suppress verbose output')
      .option('--platform <string>', 'Platform of the image, e.g. linux/arm64')
      .option('--no-disable-content-trust', CONTENT_TRUST)
      .action(async (name: string, flags: PullFlags) => {
        refuseContentTrust(flags);
        requireRoot('pull');
        const options = {
          quiet: flags.quiet ?? false,
          output: stdout,
          ...(flags.platform === undefined ? {} : { platform: flags.platform }),
        };
        if (flags.allTags === true) {
          await pullEach(engine, name, options, flags);
          return;
        }
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

/** -a */
async function pullEach(
  engine: Engine,
  name: string,
  options: PullByNameOptions,
  flags: ExplainFlags,
): Promise<void> {
  const { namesOfAllTags, pullAll } = await import('../../engine/registry/pull-all.ts');
  const names = async (): Promise<readonly string[]> => await namesOfAllTags(name);
  await inMode(flags, {
    dryRun: async (how) => {
      const { printPull } = await import('../../teach/explain/explain-pull.ts');
      for (const one of await names()) await printPull(engine, one, options, how);
    },
    perform: async (how) => {
      if (how === undefined) await pullAll(engine, name, { ...options, progress: createPullProgress });
      else {
        const { explainPull } = await import('../../teach/explain/explain-pull.ts');
        for (const one of await names()) await explainPull(engine, one, options, how);
      }
      stdout.write(`${repositoryName(parseReference(name))}\n`);
    },
  });
}
