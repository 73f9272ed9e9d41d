/** `load`: images from an archive that `save` wrote, Docker's or OCI's, from a file or stdin. */
import { closeSync, openSync } from 'node:fs';
import { loadImages } from '../../../images/archives/load.ts';
import { formatPlatform, parsePlatform } from '../../../images/platform.ts';
import { familiarName, parseReference } from '../../../images/reference.ts';
import type { Platform } from '../../../images/types.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { oneLine } from '../../../runtime/printable.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { withSpinner } from '../../ui/spinner.ts';
import { planLoad } from '../../engine/plans/file-verb-plans.ts';
import { performSteps } from '../../engine/state/perform-step.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import type { Verb } from '../shared/verb.ts';
import { stderr, stdinIsTerminal, stdout } from '../../io/standard-streams.ts';

interface LoadFlags extends ExplainFlags {
  readonly input?: string;
  readonly quiet?: boolean;
  readonly platform?: string;
}

export const load: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('-i, --input <string>', 'Read from tar archive file, instead of STDIN')
      .option('-q, --quiet', 'Suppress the load output')
      .option('--platform <string>', 'Load only the given platform ("os[/arch[/variant]]")')
      .action(async (flags: LoadFlags) => {
        requireRoot('load');
        const isAsked = flags.dryRun === undefined || flags.dryRun === false;
        if (isAsked && flags.input === undefined && stdinIsTerminal()) {
          throw new MinidockError({
            code: 'STDIN_IS_TERMINAL',
            message: 'requested load from stdin, but stdin is empty',
            hint: 'Give an archive: minidock load -i image.tar, or minidock load < image.tar.',
          });
        }
        const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
        const steps = planLoad(engine.paths, flags.input);
        let loaded: Awaited<ReturnType<typeof loadImages>> = [];
        await explained(flags, {
          plan: () => {
            if (flags.input !== undefined) closeSync(openSync(flags.input, 'r'));
            return steps;
          },
          perform: async (tell) => {
            tell?.(steps);
            const store = await engine.images();
            const work = (): ReturnType<typeof loadImages> =>
              loadImages({ store, input: flags.input ?? process.stdin, platform });
            const quiet = flags.quiet ?? tell !== undefined;
            loaded = await performSteps(steps, () => withSpinner('Loading the archive', work, { quiet }));
          },
          nothing: 'there is nothing to load',
        });
        for (const { image, tags, others } of loaded) {
          recordEvent(engine.paths, imageEvent('load', image.id, image.id, image.config.config?.Labels));
          for (const tag of tags) stdout.write(`Loaded image: ${familiarName(parseReference(tag))}\n`);
          if (tags.length === 0) stdout.write(`Loaded image ID: ${image.id}\n`);
          if (others.length > 0 && flags.quiet !== true) stderr.write(leftOut(image.config, others));
        }
      });
    defineExplainFlags(command, { dryRun: true });
  },
};

/** An image here has one platform. */
function leftOut(loaded: Platform, others: readonly Platform[]): string {
  const words = [...new Set(others.map(formatPlatform))].map(oneLine).join(', ');
  return `Loaded for ${oneLine(formatPlatform(loaded))}; the archive also has ${words} (--platform chooses)\n`;
}
