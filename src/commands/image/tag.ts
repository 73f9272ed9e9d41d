/** `tag` */
import { familiarName, parseReference } from '../../../images/reference.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { findImage } from '../../engine/images/find-image.ts';
import { requireRoot } from '../../engine/require-root.ts';
import type { Verb } from '../shared/verb.ts';

export const tag: Verb = {
  configure(command, { engine }) {
    command
      .usage('SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]')
      .argument('<source>')
      .argument('<target>')
      .action(async (source: string, target: string) => {
        requireRoot('tag');
        const image = await findImage(engine, source);
        await (await engine.images()).tag(image, target);
        const name = familiarName(parseReference(target));
        recordEvent(engine.paths, imageEvent('tag', image.id, name, image.config.config?.Labels));
      });
  },
};
