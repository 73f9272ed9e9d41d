/** `rmi`: take names away; the image goes with its last one. */
import type { Removal } from '../../../images/store/requests.ts';
import type { StoredImage } from '../../../images/types.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { watchRemoval, type RemovalMode } from '../../engine/images/watch-removal.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import { imagesInUse, layersInUse } from '../../engine/prune/in-use.ts';
import { recordEvents, type NewEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { requireRoot } from '../../engine/require-root.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface RemoveFlags extends ExplainFlags {
  readonly force?: boolean;
  readonly prune?: boolean;
}

export const rmi: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] IMAGE [IMAGE...]')
      .argument('<images...>')
      .option('-f, --force', 'Force removal of the image')
      .option('--no-prune', 'Do not delete untagged parents')
      .action(async (names: readonly string[], flags: RemoveFlags) => {
        requireRoot('rmi');
        const { engine } = context;
        const store = await engine.images();
        const force = flags.force ?? false;
        const remove = (name: string, mode: RemovalMode): Promise<Removal> =>
          store.remove(name, {
            force,
            inUse: imagesInUse(engine.containers),
            stacked: layersInUse(engine.containers),
            keepParents: flags.prune === false,
            watch: watchRemoval(engine.paths, mode),
          });
        let failed = false;
        for (const name of names) {
          try {
            const image = await store.find(name);
            let removal: Removal = { untagged: [], deleted: [] };
            await explained(flags, {
              plan: async () => {
                let steps: readonly Step[] = [];
                await remove(name, { dryRun: true, tell: (found) => (steps = found) });
                return steps;
              },
              perform: async (tell) => {
                removal = await remove(name, { tell });
              },
              nothing: `there is no image ${name}`,
            });
            if (image !== undefined) recordEvents(engine.paths, removalEvents(image, removal));
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
      });
    defineExplainFlags(command, { dryRun: true });
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
