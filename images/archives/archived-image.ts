/** An image of an archive whose blobs are in the store by now. */
import type { Platform } from '../types.ts';

export interface ArchivedImage {
  readonly manifestDigest: string;
  readonly configDigest: string;
  readonly layers: readonly { readonly digest: string; readonly size: number; readonly mediaType: string }[];
  readonly diffIds: readonly string[];
  /** Normalised. */
  readonly tags: readonly string[];
  /** Platforms that the archive has the image for as well, and that are left out. */
  readonly others?: readonly Platform[];
}
