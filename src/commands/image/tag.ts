/** `tag` */
import { familiarName, parseReference } from '../../../images/reference.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { findImage } from '../../engine/images/find-image.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { planTag } from '../../engine/plans/file-verb-plans.ts';
import { performSteps } from '../../engine/state/perform-step.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import type { Verb } from '../shared/verb.ts';

export const tag: Verb = {
  configure(command, { engine }) {
    command
      .usage('SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]')
      .argument('<source>')
      .argument('<target>')
      .action(async (source: string, target: string, flags: ExplainFlags) => {
        requireRoot('tag');
        const image = await findImage(engine, source);
        const name = familiarName(parseReference(target));
        const steps = planTag(engine.paths, image.id, name);
        await explained(flags, {
          plan: () => steps,
          perform: async (tell) => {
            tell?.(steps);
            await performSteps(steps, async () => (await engine.images()).tag(image, target));
            recordEvent(engine.paths, imageEvent('tag', image.id, name, image.config.config?.Labels));
          },
          nothing: 'there is nothing to tag',
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
