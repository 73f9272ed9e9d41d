/** `rmi`: take names away; the image goes with its last one. */
import type { Removal } from '../../../images/store/requests.ts';
import type { StoredImage } from '../../../images/types.ts';
import { imagesInUse, layersInUse } from '../../engine/prune/in-use.ts';
import { recordEvents, type NewEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { requireRoot } from '../../engine/require-root.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

export const rmi: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] IMAGE [IMAGE...]')
      .argument('<images...>')
      .option('-f, --force', 'Force removal of the image')
      .option('--no-prune', 'Do not delete untagged parents')
      .action(
        async (names: readonly string[], flags: { readonly force?: boolean; readonly prune?: boolean }) => {
          requireRoot('rmi');
          const store = await context.engine.images();
          let failed = false;
          for (const name of names) {
            try {
              const image = await store.find(name);
              const removal = await store.remove(name, {
                force: flags.force ?? false,
                inUse: imagesInUse(context.engine.containers),
                stacked: layersInUse(context.engine.containers),
                keepParents: flags.prune === false,
              });
              if (image !== undefined) recordEvents(context.engine.paths, removalEvents(image, removal));
              for (const tag of removal.untagged) stdout.write(`Untagged: ${tag}\n`);
              for (const id of removal.deleted) stdout.write(`Deleted: ${id}\n`);
            } catch (error) {
              await context.report(error);
              // With -f an image that is not there is as good as removed.
              if (flags.force === true && (error as { code?: unknown }).code === 'NO_SUCH_IMAGE') continue;
              failed = true;
            }
          }
          if (!failed) context.exit(0);
        },
      );
  },
};

/** One for each name, and one for the image where it has gone with the last of them. */
function removalEvents({ id, config }: StoredImage, { untagged, deleted }: Removal): readonly NewEvent[] {
  const labels = config.config?.Labels;
  return [
    ...untagged.map(() => imageEvent('untag', id, id, labels)),
    ...(deleted.includes(id) ? [imageEvent('delete', id, id, labels)] : []),
  ];
}
