/** One image of an archive, ready for the store. */
/** An image of an archive whose blobs are in the store by now. */
export interface ArchivedImage {
  readonly manifestDigest: string;
  readonly configDigest: string;
  readonly layers: readonly { readonly digest: string; readonly size: number; readonly mediaType: string }[];
  readonly diffIds: readonly string[];
  /** Normalised. */
  readonly tags: readonly string[];
}
