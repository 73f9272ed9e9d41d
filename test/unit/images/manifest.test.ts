import { describe, expect, test } from '@jest/globals';
import { readImageConfig, readListed, readManifest } from '../../../images/manifest.ts';
import { mediaTypes } from '../../../images/media-types.ts';
import { digestOf } from '../../support/images/fake-registry.ts';

const { manifest: ociManifest, index: ociIndex, dockerManifest, dockerIndex } = mediaTypes;
const descriptor = { mediaType: mediaTypes.config, digest: digestOf('{}'), size: 2 };
const manifest = { schemaVersion: 2, config: descriptor, layers: [] };
const index = { schemaVersion: 2, manifests: [] };

const read = (document: unknown, type?: string) =>
  readManifest(Buffer.from(JSON.stringify(document)), { name: 'web:1', type });

/** Code and message of the refusal. */
function refusal(document: unknown, type?: string): string {
  try {
    read(document, type);
    return 'accepted';
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
}

describe('what a document is', () => {
  test.each([
    [manifest, ociManifest, 'manifest'],
    [manifest, dockerManifest, 'manifest'],
    [{ ...manifest, mediaType: ociManifest }, ociManifest, 'manifest'],
    [{ ...manifest, mediaType: dockerManifest }, undefined, 'manifest'],
    [{ ...manifest, mediaType: dockerManifest }, 'application/json; charset=utf-8', 'manifest'],
    [manifest, 'text/plain', 'manifest'],
    [index, `${ociIndex}; charset=utf-8`, 'index'],
    [index, ociIndex.toUpperCase(), 'index'],
    [{ ...index, mediaType: dockerIndex }, 'application/octet-stream', 'index'],
    [{ ...index, mediaType: null }, undefined, 'index'],
    [{ ...index, mediaType: '' }, undefined, 'index'],
  ])('%j as %s', (document, type, kind) => {
    expect(read(document, type).kind).toBe(kind);
  });
});

/** CVE-2021-41190: what one reader takes for a manifest, and another one for an index. */
describe('a document that is two things', () => {
  const both = { ...manifest, ...index };
  test.each([
    [both, ociManifest],
    [both, ociIndex],
    [both, undefined],
    [both, 'text/plain'],
    [{ ...both, mediaType: ociManifest }, ociManifest],
    [{ ...both, mediaType: ociIndex }, ociIndex],
    [{ ...both, mediaType: dockerManifest }, undefined],
    [{ ...both, mediaType: dockerIndex }, undefined],
    // Also without a list in it: the field alone is the other kind's.
    [{ ...manifest, manifests: null }, ociManifest],
    [{ ...index, layers: [] }, ociIndex],
    [{ ...index, config: {} }, undefined],
    [index, ociManifest],
    [manifest, dockerIndex],
  ])('%j as %s', (document, type) => {
    expect(refusal(document, type)).toMatch(
      /^MANIFEST_INVALID: the manifest of web:1 is not valid: it is an? /,
    );
  });

  test.each([
    [{ ...manifest, mediaType: ociIndex }, ociManifest],
    [{ ...index, mediaType: ociManifest }, ociIndex],
    [{ ...manifest, mediaType: dockerManifest }, ociManifest],
    [{ ...manifest, mediaType: 'text/plain' }, ociManifest],
  ])('%j served as %s', (document, type) => {
    expect(refusal(document, type)).toBe(
      `MANIFEST_INVALID: the manifest of web:1 is not valid: it is served as "${type}" and calls itself "${document.mediaType}"`,
    );
  });

  test.each([
    [{ ...manifest, Manifests: [] }, 'Manifests must be spelled "manifests"'],
    [{ ...index, layerſ: [] }, '["layerſ"] must be spelled "layers"'],
    [{ ...manifest, MediaType: ociIndex }, 'MediaType must be spelled "mediaType"'],
    [
      { ...manifest, config: { ...descriptor, Digest: digestOf('x') } },
      'config.Digest must be spelled "digest"',
    ],
  ])('%j, which Go reads otherwise than JavaScript', (document, message) => {
    expect(refusal(document, undefined)).toBe(
      `MANIFEST_INVALID: the manifest of web:1 is not valid: ${message}`,
    );
  });
});

describe('what is no image of today', () => {
  test.each([
    [{ schemaVersion: 1 }, undefined, 'MANIFEST_SCHEMA1'],
    [{ ...manifest, schemaVersion: 1 }, ociManifest, 'MANIFEST_SCHEMA1'],
    [{ ...manifest, fsLayers: [] }, ociManifest, 'MANIFEST_SCHEMA1'],
    [manifest, 'application/vnd.docker.distribution.manifest.v1+prettyjws', 'MANIFEST_SCHEMA1'],
    [{ ...manifest, schemaVersion: 3 }, ociManifest, 'MANIFEST_INVALID'],
    [{ ...manifest, schemaVersion: '2' }, ociManifest, 'MANIFEST_INVALID'],
    [{ ...index, schemaVersion: undefined }, ociIndex, 'MANIFEST_INVALID'],
    [{ ...manifest, mediaType: 'application/vnd.cncf.x' }, undefined, 'MANIFEST_UNSUPPORTED'],
    [{ schemaVersion: 2 }, undefined, 'MANIFEST_UNSUPPORTED'],
    [
      { ...manifest, config: { ...descriptor, mediaType: 'application/vnd.oci.empty.v1+json' } },
      ociManifest,
      'NOT_AN_IMAGE',
    ],
    [{ ...manifest, config: { ...descriptor, size: 1 << 30 } }, ociManifest, 'MANIFEST_INVALID'],
    [{ ...manifest, layers: Array(501).fill(descriptor) }, ociManifest, 'MANIFEST_INVALID'],
  ])('%j as %s', (document, type, code) => {
    expect(refusal(document, type)).toMatch(new RegExp(`^${code}: `));
  });

  test('nested so deep that a parser might run out of its stack', () => {
    const deep = Buffer.from('['.repeat(1 << 20));
    expect(() => readManifest(deep, { name: 'web:1' })).toThrow(/^the manifest of web:1 is not JSON$/);
    const nested = `${'['.repeat(1 << 16)}${']'.repeat(1 << 16)}`;
    const closed = Buffer.from(JSON.stringify({ ...index, x: 'NESTED' }).replace('"NESTED"', nested));
    expect(readManifest(closed, { name: 'web:1' }).kind).toBe('index');
  });
});

describe('what an index leads to', () => {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const entry = { mediaType: ociManifest, digest: digestOf(bytes), size: bytes.length };

  test('is what the index says', () => {
    expect(readListed(bytes, entry, 'web').kind).toBe('manifest');
  });

  test.each([
    [{ ...entry, size: 1 }, 'bytes, and its index says 1'],
    [{ ...entry, mediaType: ociIndex }, 'it is an index with the field "config" and "layers" of a manifest'],
  ])('%j', (listed, message) => {
    expect(() => readListed(bytes, listed, 'web')).toThrow(message);
  });
});

describe('a configuration', () => {
  const config = { rootfs: { type: 'layers', diff_ids: [] } };
  const readConfig = (more: object) =>
    readImageConfig(Buffer.from(JSON.stringify({ ...config, ...more })), 'web:1');

  test('may leave out what Docker lets it leave out, and null is nothing', () => {
    expect(
      readConfig({ config: { Env: null, Labels: { a: null, b: 'c' }, Volumes: null }, os: null }),
    ).toEqual({
      architecture: '',
      os: 'linux',
      config: { Labels: { b: 'c' } },
      rootfs: { type: 'layers', diff_ids: [] },
    });
  });

  test.each([
    [{ config: { Env: 5 } }, 'config.Env must be a list of strings (got a number)'],
    [{ config: { Env: ['A=\0'] } }, 'config.Env[0] must be a string without a zero byte'],
    [{ config: { env: [] } }, 'config.env must be spelled "Env"'],
    [{ config: { Volumes: ['/data'] } }, 'config.Volumes must be an object of objects (got a list)'],
    [{ config: { Labels: { constructor: 5 } } }, 'config.Labels.constructor must be a string (got a number)'],
    [
      { config: { Labels: JSON.parse('{"__proto__":[]}') } },
      'config.Labels.__proto__ must be a string (got a list)',
    ],
    [
      { config: { Labels: { '\u001b[2J': 5 } } },
      'config.Labels["\\u001b[2J"] must be a string (got a number)',
    ],
    [{ created: 'yesterday' }, 'created must be a time such as 2026-01-31T12:00:00Z (got a string)'],
    [
      { rootfs: { type: 'layers', diff_ids: ['sha256:../../etc'] } },
      'rootfs.diff_ids[0] must be a sha256 digest (got a string)',
    ],
    [{ rootfs: null }, 'rootfs must be an object (got null)'],
    [{ rootfs: undefined }, 'rootfs must be an object (got nothing)'],
  ])('%j', (more, message) => {
    expect(() => readConfig(more)).toThrow(`the configuration of web:1 is not valid: ${message}`);
  });
});
