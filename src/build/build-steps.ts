/**
 * What a build does for each layer, and for its image: the moments at which a test makes it fail, or kills it
 * (MINIDOCK_FAIL_AT, runtime/plan/fault.ts). A layer gets its name before its record is written, so that no record ever
 * leads to half a layer; the image comes when all layers are there.
 */
import { refuseInjected } from '../engine/state/perform-step.ts';

export const BUILD_STEPS = {
  'layer.begin': 'Make a directory for the new layer',
  'layer.fill': 'Carry out the instruction',
  'layer.write': 'Write the layer as a blob',
  'layer.keep': 'Give the layer its name',
  'layer.record': 'Record the layer in the cache',
  'image.config': "Write the image's configuration",
  'image.manifest': "Write the image's manifest",
} as const;

/** It is about to begin. @throws StepError if a test wants it to fail. */
export const beginStep = (id: keyof typeof BUILD_STEPS): void =>
  refuseInjected({ id: `build.${id}`, title: BUILD_STEPS[id] });
