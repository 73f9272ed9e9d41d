/**
 * Manifests, indexes and configurations from outside, looked at before anything in them is believed: a digest becomes
 * a file's name, a size a limit, and one layer must have one diff id.
 *
 * Invariant: a document is one thing. A document that is a manifest and an index at once, or whose type differs from
 * its descriptor's, means a different image to each reader under the same digest (CVE-2021-41190). minidock refuses
 * it, as containerd's validateMediaType and Docker's distribution library do.
 */
import { ImageError } from './errors.ts';
import * as shapes from './foreign/image-shapes.ts';
import { checkForeign, parseForeign, readForeign, type Foreign } from './foreign/read.ts';
import { withoutNulls } from './foreign/shape.ts';
import { isSchema1Type, kindOfType, mediaTypes, type ManifestKind } from './media-types.ts';
import type { Descriptor, ImageConfig, ImageIndex, Manifest } from './types.ts';

/** Of a configuration; real ones have a few kilobytes. */
const MAX_CONFIG_SIZE = 8 << 20;

export type ManifestDocument =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'index'; readonly index: ImageIndex };

export interface ManifestSource {
  /** For messages: 'web:1'. */
  readonly name: string;
  /** What a Content-Type header or the descriptor that led here says it is. */
  readonly type?: string | undefined;
}

/**
 * @throws ImageError 'MANIFEST_INVALID', 'MANIFEST_SCHEMA1', 'MANIFEST_UNSUPPORTED', and 'NOT_AN_IMAGE' for a manifest
 * of something else.
 */
export function readManifest(bytes: Uint8Array, source: ManifestSource): ManifestDocument {
  const foreign: Foreign = { what: `the manifest of ${source.name}`, code: 'MANIFEST_INVALID' };
  const document = parseForeign(bytes, foreign);
  const kind = kindOf(document, source, foreign);
  if (kind === 'index') {
    return { kind, index: withoutNulls(checkForeign(shapes.index, document, foreign)) as ImageIndex };
  }
  const manifest = withoutNulls(checkForeign(shapes.manifest, document, foreign)) as Manifest;
  checkConfigDescriptor(manifest, source.name);
  return { kind, manifest };
}

/** The document that an index's entry leads to, which must be what the entry says. */
export function readListed(
  bytes: Uint8Array,
  { size, mediaType }: Descriptor,
  name: string,
): ManifestDocument {
  if (bytes.length !== size) {
    throw invalidManifest(name, `it has ${String(bytes.length)} bytes, and its index says ${String(size)}`);
  }
  return readManifest(bytes, { name, type: mediaType });
}

/**
 * From the document if the Content-Type says nothing (some registries send text/plain). If both say something they
 * must agree, and fields of the other kind must be absent.
 */
function kindOf(document: unknown, { name, type = '' }: ManifestSource, foreign: Foreign): ManifestKind {
  const found = checkForeign(shapes.anyManifest, document, foreign);
  const given = (type.split(';')[0] ?? '').trim().toLowerCase();
  const own = found.mediaType ?? '';
  if (found.schemaVersion === 1 || 'fsLayers' in found || isSchema1Type(own) || isSchema1Type(given)) {
    throw schema1(name);
  }
  const outside = kindOfType(given);
  if (outside !== undefined && own !== '' && own !== given) {
    throw invalidManifest(
      name,
      `it is served as "${given}" and calls itself ${JSON.stringify(own.slice(0, 100))}`,
    );
  }
  const kind = outside ?? kindOfType(own) ?? (own === '' ? kindByFields(found) : undefined);
  if (kind === undefined) throw unsupported(name, own === '' ? given : own);
  const foreignFields = (kind === 'manifest' ? ['manifests'] : ['config', 'layers']).filter(
    (field) => field in found,
  );
  if (foreignFields.length > 0) {
    const other = kind === 'manifest' ? 'an index' : 'a manifest';
    throw invalidManifest(
      name,
      `it is ${kind === 'manifest' ? 'a manifest' : 'an index'} with the field "${foreignFields.join('" and "')}" of ${other}`,
    );
  }
  return kind;
}

function kindByFields(found: object): ManifestKind | undefined {
  if ('config' in found || 'layers' in found) return 'manifest';
  return 'manifests' in found ? 'index' : undefined;
}

function checkConfigDescriptor({ config }: Manifest, name: string): void {
  if (config.mediaType !== mediaTypes.config && config.mediaType !== mediaTypes.dockerConfig) {
    throw new ImageError({
      code: 'NOT_AN_IMAGE',
      message: `${name} is not a container image: its config is of type ${JSON.stringify(config.mediaType.slice(0, 100))}`,
    });
  }
  if (config.size > MAX_CONFIG_SIZE)
    throw invalidManifest(name, `its config has ${String(config.size)} bytes`);
}

/** Also of one that is in the store: it may have come there before anybody looked. @throws ImageError 'CONFIG_INVALID'. */
export function readImageConfig(
  bytes: Uint8Array,
  name: string,
  hint = 'the image was built wrongly or is damaged: ask its publisher',
): ImageConfig {
  const foreign: Foreign = { what: `the configuration of ${name}`, code: 'CONFIG_INVALID', hint };
  const config = readForeign(shapes.imageConfig, bytes, foreign);
  return { ...config, architecture: config.architecture ?? '', os: config.os ?? 'linux' };
}

/** @throws ImageError 'CONFIG_INVALID'. */
export function checkLayerCount(config: ImageConfig, layers: readonly unknown[], name: string): void {
  const ids = config.rootfs.diff_ids.length;
  if (ids === layers.length) return;
  throw new ImageError({
    code: 'CONFIG_INVALID',
    message: `the configuration of ${name} is not valid: it has ${String(ids)} diff ids for ${String(layers.length)} layers`,
  });
}

export function invalidManifest(name: string, why: string): ImageError {
  return new ImageError({
    code: 'MANIFEST_INVALID',
    message: `the manifest of ${name} is not valid: ${why}`,
  });
}

function unsupported(name: string, type: string): ImageError {
  return new ImageError({
    code: 'MANIFEST_UNSUPPORTED',
    message: `${name} is not an image: its manifest is of type ${JSON.stringify(type.slice(0, 100) || 'unknown')}`,
  });
}

function schema1(name: string): ImageError {
  return new ImageError({
    code: 'MANIFEST_SCHEMA1',
    message: `${name} is published in Docker's image format of before 2016 (manifest schema 1) only`,
    hint: 'push it again with any current tool; minidock, like Docker, does not read this format any more',
  });
}
