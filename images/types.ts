/**
 * The OCI image specification's documents, in its own words, and what the store says of an image.
 * Source: opencontainers/image-spec 1.1 (manifest.md, config.md, image-index.md) and Docker's schema 2 manifests,
 * which differ in media types only.
 */
export interface Descriptor {
  readonly mediaType: string;
  /** 'sha256:' and 64 hex digits. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
}

export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly config?: ContainerDefaults;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] };
  readonly history?: readonly HistoryEntry[];
}

/** The `config` member of an image configuration: what a container starts from. */
export interface ContainerDefaults {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  /** Docker's own extensions of the specification: kept, shown, and not acted upon. */
  readonly Healthcheck?: Healthcheck | null;
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[] | null;
  readonly ArgsEscaped?: boolean;
}

/** How Docker would ask whether a container is well. Times are nanoseconds. */
export interface Healthcheck {
  /** ['NONE'], ['CMD', ...] or ['CMD-SHELL', command]. */
  readonly Test?: readonly string[] | null;
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** An image that is in the store, with every layer unpacked. */
export interface StoredImage {
  /** Digest of the configuration: Docker's image id. */
  readonly id: string;
  readonly config: ImageConfig;
  /** The configuration's exact bytes' size plus nothing else: raw JSON for `save` is read from the blob. */
  readonly manifestDigest: string;
  /** Normalised names with tag, e.g. 'docker.io/library/nginx:latest'. */
  readonly tags: readonly string[];
  /** 'docker.io/library/nginx@sha256:…'. */
  readonly repoDigests: readonly string[];
  /** Unpacked layer directories ready to be overlayfs lower directories, base first. */
  readonly layerDirs: readonly string[];
  /** Bytes of all unpacked layers' content. */
  readonly size: number;
  /** RFC 3339, when it came into this store or was last tagged. */
  readonly lastTagged: string;
  /** The id of the image that it was committed from. */
  readonly parent?: string;
}
