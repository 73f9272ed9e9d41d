/**
 * Manifests and configurations from outside, looked at before anything in them is believed: a digest becomes a
 * file's name, a size a limit, and one layer must have one diff id.
 */
import { ImageError } from './errors.ts';
import { isDigest } from './reference.ts';
import type { Descriptor, ImageConfig, Manifest } from './types.ts';

const imageConfigTypes = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);
/** Of a configuration; real ones have a few kilobytes. */
const maxConfigSize = 8 << 20;

/** `name` is for messages. Throws ImageError 'MANIFEST_INVALID' and 'NOT_AN_IMAGE'. */
export function readManifestDocument(document: unknown, name: string): Manifest {
  const { config, layers } = fieldsOf(document);
  if (!isDescriptor(config)) throw invalidManifest(name, 'its config is not a descriptor');
  if (!Array.isArray(layers) || !layers.every(isDescriptor)) {
    throw invalidManifest(name, 'its layers are not descriptors');
  }
  if (!imageConfigTypes.has(config.mediaType)) {
    throw new ImageError({
      code: 'NOT_AN_IMAGE',
      message: `${name} is not a container image: its config is of type "${config.mediaType}"`,
    });
  }
  if (config.size > maxConfigSize) throw invalidManifest(name, `its config has ${String(config.size)} bytes`);
  return document as Manifest;
}

/** Throws ImageError 'CONFIG_INVALID'. */
export function readImageConfig(document: unknown, manifest: Manifest, name: string): ImageConfig {
  const config = fieldsOf(document);
  const { type, diff_ids: diffIds } = fieldsOf(config['rootfs']);
  const invalid = (why: string): ImageError =>
    new ImageError({ code: 'CONFIG_INVALID', message: `the configuration of ${name} is invalid: ${why}` });
  if (type !== 'layers' || !Array.isArray(diffIds)) throw invalid('it names no layers');
  if (!diffIds.every((id) => typeof id === 'string' && isDigest(id)))
    throw invalid('a diff id is not a sha256 digest');
  if (diffIds.length !== manifest.layers.length) {
    throw invalid(`${String(diffIds.length)} diff ids for ${String(manifest.layers.length)} layers`);
  }
  if (typeof config['os'] !== 'string' || typeof config['architecture'] !== 'string') {
    throw invalid('it names no platform');
  }
  return document as ImageConfig;
}

function isDescriptor(value: unknown): value is Descriptor {
  const { mediaType, digest, size } = fieldsOf(value);
  return (
    typeof mediaType === 'string' &&
    typeof digest === 'string' &&
    isDigest(digest) &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size >= 0
  );
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function invalidManifest(name: string, why: string): ImageError {
  return new ImageError({ code: 'MANIFEST_INVALID', message: `the manifest of ${name} is invalid: ${why}` });
}
