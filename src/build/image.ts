/** The image of a stage: its configuration in the order in which Docker writes it, its manifest, its name. */
import { manifestBytes } from '../../images/archives/docker-manifest.ts';
import { tagOf } from '../../images/reference.ts';
import type { ImageStore } from '../../images/store/image-store.ts';
import type {
  ContainerDefaults,
  HistoryEntry,
  ImageConfig,
  Platform,
  StoredImage,
} from '../../images/types.ts';
import type { CacheRecord } from '../engine/state/build-cache.ts';
import { beginStep } from './build-steps.ts';
import { CACHE_FIELD } from './cache/cache-field.ts';
import type { Stage } from './stage.ts';

const ORDER: readonly (keyof ContainerDefaults)[] = [
  ...(['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels'] as const),
  ...(['StopSignal', 'ArgsEscaped', 'Healthcheck', 'OnBuild', 'Shell'] as const),
];

export interface ImageRequest {
  readonly stage: Stage;
  readonly platform: Platform;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Of what has no layer of its own. */
  readonly now: string;
  /** For --cache-from of other machines. */
  readonly inline: readonly CacheRecord[] | undefined;
}

/** Its configuration and its manifest are in the store, but no name and no record of it yet. */
export interface WrittenImage {
  readonly configDigest: string;
  readonly manifestDigest: string;
  readonly config: ImageConfig;
  readonly annotations: Readonly<Record<string, string>>;
}

export async function writeImage(
  store: ImageStore,
  { stage, platform, labels, annotations, now, inline }: ImageRequest,
): Promise<WrittenImage> {
  const { config: settings, author, layers, history, created = now } = stage;
  const labelled: ContainerDefaults =
    Object.keys(labels).length === 0 ? settings : { ...settings, Labels: { ...settings.Labels, ...labels } };
  const config: ImageConfig = {
    architecture: platform.architecture,
    ...(author === undefined ? {} : { author }),
    config: Object.fromEntries(
      ORDER.filter((key) => hasValue(labelled[key])).map((key) => [key, labelled[key]]),
    ),
    created,
    history: datedHistory(history, created),
    os: platform.os,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
  };
  const bytes = Buffer.from(
    JSON.stringify(inline === undefined ? config : { ...config, [CACHE_FIELD]: inline }),
  );
  beginStep('image.config');
  const configDigest = await store.blobs.putBytes(bytes);
  const manifest = manifestBytes(
    { digest: configDigest, size: bytes.length },
    layers.map(({ descriptor }) => descriptor),
    annotations,
  );
  beginStep('image.manifest');
  return { configDigest, manifestDigest: await store.blobs.putBytes(manifest), config, annotations };
}

/** Into the store's list, under these names. */
export async function keepImage(
  store: ImageStore,
  { configDigest, manifestDigest }: WrittenImage,
  tags: readonly string[],
): Promise<StoredImage> {
  const [first, ...more] = tags;
  const image = await store.putImage({
    manifestDigest,
    configDigest,
    ...(first === undefined ? {} : { tag: tagOf(first) }),
  });
  for (const tag of more) await store.tag(image, tag);
  return image;
}

const hasValue = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== '' &&
  !(typeof value === 'object' && Object.keys(value).length === 0);

/** An entry without a layer has the time of the next layer, or of the last one. */
function datedHistory(history: readonly HistoryEntry[], last: string): readonly HistoryEntry[] {
  let time = last;
  return history
    .toReversed()
    .map((entry) => {
      time = entry.created ?? time;
      return { created: time, ...entry };
    })
    .reverse();
}
