/** The media types of manifests, configurations and layers: OCI's and Docker's names for the same things. */
import type { Compression } from './unpack/compression.ts';

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  layer(compression: Compression): string {
    const tar = 'application/vnd.oci.image.layer.v1.tar';
    return compression === 'none' ? tar : `${tar}+${compression}`;
  },
} as const;

export type ManifestKind = 'index' | 'manifest';

/** A manifest may leave its own type out; then it is OCI's. */
export const typeOfManifest = ({ mediaType }: { readonly mediaType?: string }): string =>
  mediaType ?? mediaTypes.manifest;

/** undefined for what is neither. */
export function kindOfType(type: string): ManifestKind | undefined {
  if (type === mediaTypes.manifest || type === mediaTypes.dockerManifest) return 'manifest';
  if (type === mediaTypes.index || type === mediaTypes.dockerIndex) return 'index';
  return undefined;
}

/** Manifests of before 2016, which are recognised so that they can be refused by name. */
export function isSchema1Type(type: string): boolean {
  return /^application\/vnd\.docker\.distribution\.manifest\.v1\+/.test(type);
}
