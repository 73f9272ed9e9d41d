/** `tag` */
import { findImage } from '../../engine/find-image.ts';
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
        await (await engine.images()).tag(await findImage(engine, source), target);
      });
  },
};
