/** What a stage begins with: nothing, or an image with the instructions that its ONBUILD holds for it. */
import { layersOf } from '../../images/store/manifest-layers.ts';
import type { ImageStore } from '../../images/store/image-store.ts';
import type { StoredImage } from '../../images/types.ts';
import { BuildError } from './errors.ts';
import { keyOfLayers } from './layer-cache.ts';
import { parseDockerfile } from './parse/dockerfile.ts';
import type { Instruction } from './parse/instruction.ts';
import { DEFAULT_PATH } from './plan/config-change.ts';
import type { Stage, StageLayer } from './stage.ts';

export interface Begun {
  readonly stage: Stage;
  readonly triggers: readonly Instruction[];
}

export const SCRATCH: Stage = {
  config: { Env: [DEFAULT_PATH], WorkingDir: '/' },
  author: undefined,
  hasCmd: false,
  layers: [],
  dirs: [],
  cacheKeys: [],
  key: 'scratch',
  history: [],
  args: new Set(),
  variables: environment([DEFAULT_PATH]),
  created: undefined,
};

export function stageOf(store: ImageStore, image: StoredImage): Begun {
  const descriptors = layersOf(store, image);
  const { config, author, created, history, rootfs } = image.config;
  const { OnBuild: triggers = [], ...given } = config ?? {};
  const settings = { ...given, Env: withPath(given.Env ?? []) };
  const layers = rootfs.diff_ids.map((diffId, index): StageLayer => {
    const descriptor = descriptors[index];
    if (descriptor === undefined)
      throw new BuildError({
        code: 'MANIFEST_INVALID',
        message: `the manifest of ${image.id} lists too few layers`,
      });
    return { diffId, descriptor };
  });
  const stage: Stage = {
    config: settings,
    author,
    hasCmd: false,
    layers,
    dirs: image.layerDirs,
    cacheKeys: [],
    key: keyOfLayers(rootfs.diff_ids),
    history: history ?? [],
    args: new Set(),
    variables: environment(settings.Env),
    created,
  };
  return { stage, triggers: parseTriggers(triggers) };
}

/** A stage that begins with another one. */
export function stageFrom({ config: { OnBuild: triggers, ...config }, ...parent }: Stage): Begun {
  return { stage: { ...parent, config, args: new Set(), hasCmd: false }, triggers: parseTriggers(triggers) };
}

function parseTriggers(triggers: readonly string[] | null | undefined): readonly Instruction[] {
  if (triggers === undefined || triggers === null || triggers.length === 0) return [];
  return parseDockerfile(`FROM x\n${triggers.join('\n')}\n`).stages[0]?.instructions ?? [];
}

/** What a RUN has is also what `$PATH` means, and what the image says. */
const withPath = (env: readonly string[]): readonly string[] =>
  env.some((entry) => entry.startsWith('PATH=')) ? env : [...env, DEFAULT_PATH];

function environment(env: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    env.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
