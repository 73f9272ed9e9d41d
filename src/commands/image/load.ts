/** `load`: images from an archive that `save` wrote, Docker's or OCI's, from a file or stdin. */
import { loadImages } from '../../../images/archives/load.ts';
import { familiarName, parseReference } from '../../../images/reference.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { withSpinner } from '../../ui/spinner.ts';
import type { Verb } from '../shared/verb.ts';
import { stdinIsTerminal, stdout } from '../../io/standard-streams.ts';

export const load: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('-i, --input <string>', 'Read from tar archive file, instead of STDIN')
      .option('-q, --quiet', 'Suppress the load output')
      .action(async (flags: { readonly input?: string; readonly quiet?: boolean }) => {
        requireRoot('load');
        if (flags.input === undefined && stdinIsTerminal()) {
          throw new MinidockError({
            code: 'STDIN_IS_TERMINAL',
            message: 'requested load from stdin, but stdin is empty',
            hint: 'Give an archive: minidock load -i image.tar, or minidock load < image.tar.',
          });
        }
        const store = await engine.images();
        const loaded = await withSpinner(
          'Loading the archive',
          () => loadImages({ store, input: flags.input ?? process.stdin }),
          { quiet: flags.quiet ?? false },
        );
        for (const { image, tags } of loaded) {
          recordEvent(engine.paths, imageEvent('load', image.id, image.id, image.config.config?.Labels));
          for (const tag of tags) stdout.write(`Loaded image: ${familiarName(parseReference(tag))}\n`);
          if (tags.length === 0) stdout.write(`Loaded image ID: ${image.id}\n`);
        }
      });
  },
};
