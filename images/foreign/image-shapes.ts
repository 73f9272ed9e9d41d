/**
 * The documents an image is made of, as they must look to be believed: manifests and indexes (image-spec, manifest.md
 * and image-index.md), configurations (config.md), and what Docker's archives say of them. What only Docker's builder
 * or other platforms read is not looked at.
 *
 * Where Go, and so Docker, accepts more than one spelling of nothing (absent, null), so do these. Docker also takes
 * `"Cmd": "sh"` for `["sh"]`, which the specification forbids and no tool of this decade writes: refused.
 */
import type {
  Descriptor,
  ContainerDefaults,
  Healthcheck,
  HistoryEntry,
  ImageConfig,
  Platform,
} from '../types.ts';
import { isDigest } from '../reference.ts';
import {
  anything,
  fields,
  flag,
  form,
  int64,
  line,
  listOf,
  mapOf,
  optional,
  size,
  text,
  value,
  isObject,
  type Shape,
} from './shape.ts';

/** What overlayfs stacks at most (OVL_MAX_STACK). Docker stops at 125. */
export const MAX_LAYERS = 500;

/**
 * Of the images of an archive, and of the entries of an index, which are platforms: each is read and stored one by one.
 * Docker has no bound; nobody saves a thousand images to one file.
 */
export const MAX_IMAGES = 1000;
/** Of the names of all images of an archive: each is a change of the store. */
export const MAX_NAMES = 1000;

const sha256 = form('a sha256 digest', 'sha256 digests', isDigest);
/** Of an entry that may be of no interest here; one that is fetched must be a sha256. */
const anyDigest = form('a digest', 'digests', (digest) =>
  /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]{1,512}$/.test(digest),
);
const version2 = value<2>('2', '2', (found) => found === 2);
export const time = form('a time such as 2026-01-31T12:00:00Z', 'times', (found) => {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(found);
  return isTime && !Number.isNaN(Date.parse(found));
});
const annotations = optional(mapOf(text));

/** Of Go's `map[string]struct{}`: only the keys count. */
const keys = mapOf(value<object>('an object', 'objects', isObject));

const platform: Shape<Platform> = fields<Platform>({
  os: text,
  architecture: text,
  variant: optional(text),
});

const descriptor = (digest: Shape<string>): Shape<Descriptor> =>
  fields<Descriptor>({ mediaType: text, digest, size, platform: optional(platform), annotations });

/** Manifests and indexes alike: enough to tell which of the two a document is. */
export const anyManifest = fields<{
  mediaType?: string;
  schemaVersion?: unknown;
  config?: unknown;
  layers?: unknown;
  manifests?: unknown;
  fsLayers?: unknown;
}>({
  mediaType: optional(text),
  schemaVersion: optional(anything),
  config: optional(anything),
  layers: optional(anything),
  manifests: optional(anything),
  fsLayers: optional(anything),
});

export const manifest = fields<{
  schemaVersion: 2;
  mediaType?: string;
  config: Descriptor;
  layers: readonly Descriptor[];
  annotations?: Readonly<Record<string, string>>;
}>({
  schemaVersion: version2,
  mediaType: optional(text),
  config: descriptor(sha256),
  layers: listOf(descriptor(sha256), MAX_LAYERS),
  annotations,
});

export const index = fields<{
  schemaVersion: 2;
  mediaType?: string;
  manifests: readonly Descriptor[];
}>({
  schemaVersion: version2,
  mediaType: optional(text),
  manifests: listOf(descriptor(anyDigest), MAX_IMAGES),
});

const healthcheck = fields<Healthcheck>({
  Test: optional(listOf(line)),
  Interval: optional(int64),
  Timeout: optional(int64),
  StartPeriod: optional(int64),
  StartInterval: optional(int64),
  Retries: optional(int64),
});

const containerDefaults = fields<ContainerDefaults>({
  User: optional(line),
  ExposedPorts: optional(keys),
  Env: optional(listOf(line)),
  Entrypoint: optional(listOf(line)),
  Cmd: optional(listOf(line)),
  Volumes: optional(keys),
  WorkingDir: optional(line),
  Labels: optional(mapOf(text)),
  StopSignal: optional(line),
  Healthcheck: optional(healthcheck),
  OnBuild: optional(listOf(text)),
  Shell: optional(listOf(text)),
  ArgsEscaped: optional(flag),
});

const historyEntry = fields<HistoryEntry>({
  created: optional(time),
  created_by: optional(text),
  author: optional(text),
  comment: optional(text),
  empty_layer: optional(flag),
});

/** Docker takes a configuration that names no platform for one of this machine. */
export type ForeignConfig = Omit<ImageConfig, 'os' | 'architecture'> & Partial<Platform>;

export const imageConfig = fields<ForeignConfig>({
  created: optional(time),
  author: optional(text),
  architecture: optional(text),
  os: optional(text),
  variant: optional(text),
  config: optional(containerDefaults),
  rootfs: fields<ImageConfig['rootfs']>({
    type: value<'layers'>('"layers"', '"layers"', (found) => found === 'layers'),
    diff_ids: listOf(sha256, MAX_LAYERS),
  }),
  history: optional(listOf(historyEntry)),
});

/** An entry of a Docker archive's manifest.json. */
export interface DockerManifestItem {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

export const dockerManifest = listOf(
  fields<DockerManifestItem>({
    Config: text,
    RepoTags: optional(listOf(text, MAX_NAMES)),
    Layers: listOf(text, MAX_LAYERS),
  }),
  MAX_IMAGES,
);

/** `repositories`: which layer a name and a tag end at. */
export const repositories = mapOf(mapOf(text));

/** A layer's `json` in an archive of before Docker 1.10. */
export interface V1Image {
  readonly parent?: string;
  readonly created?: string;
  readonly author?: string;
  readonly architecture?: string;
  readonly os?: string;
  readonly config?: ContainerDefaults;
  readonly container_config?: { readonly Cmd?: readonly string[] | null };
}

export const v1Image = fields<V1Image>({
  parent: optional(text),
  created: optional(time),
  author: optional(text),
  architecture: optional(text),
  os: optional(text),
  config: optional(containerDefaults),
  container_config: optional(
    fields<{ readonly Cmd?: readonly string[] | null }>({ Cmd: optional(listOf(text)) }),
  ),
});
