/** `create`: everything `run` does before starting. */
import { createContainer } from '../../engine/create.ts';
import type { ContainerFlags } from '../../engine/spec/create-request.ts';
import { imageFor, withMountedImages } from '../../engine/images/image-for.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { defineContainerFlags, toCreateRequest } from '../shared/container-flags.ts';
import { showPull } from '../shared/show-pull.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

export const create: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] IMAGE [COMMAND] [ARG...]')
      .argument('<image>')
      .argument('[args...]')
      .passThroughOptions();
    defineContainerFlags(command);
    command.action(async (image: string, args: readonly string[], flags: ContainerFlags) => {
      requireRoot('create');
      const request = await withMountedImages(engine, toCreateRequest(image, args, flags, false));
      const config = await createContainer(
        engine.containers,
        request,
        await imageFor(engine, request, showPull),
      );
      stdout.write(`${config.id}\n`);
    });
  },
};
