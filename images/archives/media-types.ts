/** The OCI image specification's names for what archives hold. */
import type { Compression } from '../unpack/compression.ts';

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  layer(compression: Compression): string {
    const tar = 'application/vnd.oci.image.layer.v1.tar';
    return compression === 'none' ? tar : `${tar}+${compression}`;
  },
} as const;
