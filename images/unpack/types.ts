/**
 * The requests and reports of unpacking. Both cross a process boundary as JSON (`minidock __unpack`), so they are
 * plain data. Paths inside a layer are "byte strings": one character per byte (latin1), because a Linux file name is
 * bytes and need not be UTF-8; paths.ts converts them.
 */
export interface LayerReport {
  /** 'sha256:…' of the uncompressed archive. */
  readonly diffId: string;
  /** Bytes of the uncompressed archive: what `save` announces before it re-creates the layer. */
  readonly tarSize: number;
  /** Bytes of files and of the paths that symbolic links hold, which is what Docker calls a layer's size. */
  readonly size: number;
  /**
   * Directories that the archive needs but does not list. An overlay shows the attributes of the topmost layer that
   * has a directory, so these must repeat those of the layers below (see overrides.ts). '' is the layer's root.
   */
  readonly impliedDirs: readonly string[];
  /** Hard links to files that only layers below have. */
  readonly danglingLinks: readonly DanglingLink[];
  /** The layer hides everything below it, which overlayfs cannot say of a root: the store leaves those layers out. */
  readonly opaqueRoot: boolean;
}

export interface DanglingLink {
  readonly path: string;
  readonly target: string;
}

/** Unpacks a blob into `target`, an empty directory. */
export interface LayerRequest {
  readonly kind: 'layer';
  readonly blob: string;
  /** For a blob that is still being written: how many bytes it will have. */
  readonly size?: number;
  readonly target: string;
  /** When known: what the uncompressed archive must hash to. */
  readonly diffId?: string;
}

/** Makes in `target`, an empty directory, what a layer's report says must be taken from the layers below it. */
export interface OverridesRequest {
  readonly kind: 'overrides';
  readonly target: string;
  /** The unpacked layer itself. */
  readonly layer: string;
  /** Directories of the layers below, base first, their own overrides included. */
  readonly lower: readonly string[];
  readonly impliedDirs: readonly string[];
  readonly danglingLinks: readonly DanglingLink[];
}

export interface OverridesReport {
  /** False when the layers below have nothing to say and `target` stayed empty. */
  readonly needed: boolean;
}

/** A file that someone else still writes to. */
export interface GrowingBlob {
  /** Bytes that it will have. */
  readonly size: number;
  /** Waits until there is more of it than at the last call; false when all of it is there. */
  readonly more: () => Promise<boolean>;
}

export interface UnpackOptions {
  /** Goes with the request's `size`. */
  readonly more?: GrowingBlob['more'] | undefined;
  /** Compressed bytes read so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The real one runs each request in a process of its own (child.ts); tests run them in place. */
export interface Unpacker {
  unpackLayer(request: LayerRequest, options: UnpackOptions): Promise<LayerReport>;
  makeOverrides(request: OverridesRequest): Promise<OverridesReport>;
  /** Called once for a new directory of unrelated layers. */
  prepareParent?(dir: string): void;
}
