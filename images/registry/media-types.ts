/**
 * The media types of manifests and layers, OCI's and Docker's names for the same things.
 * Schema 1 manifests (Docker before 2016) are recognised so that they can be refused by name.
 */
import { ImageError } from '../errors.ts';

export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const dockerManifestList = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';

/** What is asked for: a registry that has something else converts it to schema 1 or says 404. */
export const acceptedManifests = [ociIndex, dockerManifestList, ociManifest, dockerManifest];

export type ManifestKind = 'index' | 'manifest';

/**
 * Told by the content where the Content-Type says nothing (some registries say text/plain). Throws ImageError
 * 'MANIFEST_SCHEMA1' and 'MANIFEST_UNSUPPORTED'.
 */
export function manifestKind(contentType: string | undefined, document: unknown, name: string): ManifestKind {
  const fields = (typeof document === 'object' && document !== null ? document : {}) as Record<
    string,
    unknown
  >;
  const given = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  for (const type of [given, fields['mediaType']]) {
    if (type === ociIndex || type === dockerManifestList) return 'index';
    if (type === ociManifest || type === dockerManifest) return 'manifest';
  }
  if (fields['schemaVersion'] === 1) {
    throw new ImageError({
      code: 'MANIFEST_SCHEMA1',
      message: `${name} is published in Docker's image format of before 2016 (manifest schema 1) only`,
      hint: 'push it again with any current tool; minidock, like Docker, does not read this format any more',
    });
  }
  if (Array.isArray(fields['manifests'])) return 'index';
  if (Array.isArray(fields['layers']) && typeof fields['config'] === 'object') return 'manifest';
  throw new ImageError({
    code: 'MANIFEST_UNSUPPORTED',
    message: `${name} is not an image: its manifest is of type "${given || 'unknown'}"`,
  });
}
