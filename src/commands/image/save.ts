/** `save`: one archive of one or more images, that Docker, Podman and minidock load. */
import { saveImages, type SaveRequest } from '../../../images/archives/save.ts';
import { formatReference, parseReference } from '../../../images/reference.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { findImage } from '../../engine/images/find-image.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { refuseTerminal, writeBeside } from '../shared/output-file.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

export const save: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] IMAGE [IMAGE...]')
      .argument('<images...>')
      .option('-o, --output <string>', 'Write to a file, instead of STDOUT')
      .action(async (names: readonly string[], flags: { readonly output?: string }) => {
        requireRoot('save');
        refuseTerminal(flags.output);
        const requests: SaveRequest[] = [];
        for (const name of names) {
          const image = await findImage(engine, name);
          requests.push({ image, tags: tagsNamed(name, image.tags) });
        }
        const store = await engine.images();
        if (flags.output === undefined) await saveImages(store, requests, stdout.asNodeStream());
        else
          await writeBeside(flags.output, 'failed to save image', (stream) =>
            saveImages(store, requests, stream),
          );
        for (const { image } of requests)
          recordEvent(engine.paths, imageEvent('save', image.id, image.id, image.config.config?.Labels));
      });
  },
};

/** The tag that was named; none when the image was named by its id or a digest. */
function tagsNamed(name: string, tags: readonly string[]): readonly string[] {
  if (
    /^(sha256:)?[0-9a-f]{4,64}$/.test(name) &&
    !tags.includes(formatReference(parseReference(`${name}:latest`)))
  )
    return [];
  const wanted = formatReference(parseReference(name));
  return tags.filter((tag) => tag === wanted);
}
