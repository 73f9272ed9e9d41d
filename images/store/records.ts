/** What the store keeps of an image and of a layer. */
import type { LayerReport } from '../unpack/types.ts';

export interface ImageRecord {
  readonly id: string;
  readonly manifestDigest: string;
  readonly tags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Base first. `blob` is where the layer was unpacked from, which need not be the blob the manifest names. */
  readonly layers: readonly { readonly diffId: string; readonly blob: string; readonly size: number }[];
  /** Below the store's directory: what an overlay of this image stacks, base first. */
  readonly layerDirs: readonly string[];
  readonly lastTagged: string;
  /** The image that it was committed from. */
  readonly parent?: string;
}

export interface LayerRecord {
  readonly blob: string;
  readonly report: LayerReport;
}
