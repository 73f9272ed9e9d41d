/** The manifest that an archive of Docker's does not have: made from its configuration and layers. */
import { mediaTypes } from '../media-types.ts';
import type { Descriptor, Manifest } from '../types.ts';

export function manifestBytes(
  config: { readonly digest: string; readonly size: number },
  layers: readonly Descriptor[],
  annotations: Readonly<Record<string, string>> = {},
): Buffer {
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config.digest, size: config.size },
    layers,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
  return Buffer.from(JSON.stringify(manifest));
}
