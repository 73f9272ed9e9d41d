/**
 * A build's cache for other machines: an ordinary image, whose layers are those of the cache, and whose configuration
 * says in one more field which key each of them was made for. So every registry keeps it, and its layers are checked as
 * those of any image: a blob by its digest, its content by the diff id. An image with an inline cache is one too.
 *
 * Who writes the cache decides what a key stands for: --cache-from trusts it, as in BuildKit. BuildKit's own format is
 * another one.
 */
import { time } from '../../../images/foreign/image-shapes.ts';
import { fields, form, listOf, optional, type Shape } from '../../../images/foreign/shape.ts';
import { readForeign } from '../../../images/foreign/read.ts';
import { readImageConfig } from '../../../images/manifest.ts';
import { isDigest } from '../../../images/reference.ts';
import type { Platform } from '../../../images/types.ts';
import { CACHE_FIELD } from './cache-field.ts';
import type { CacheRecord } from '../../engine/state/build-cache.ts';

const MOST_RECORDS = 100_000;
const key = form('64 hex digits', 'strings of 64 hex digits', (text) => /^[0-9a-f]{64}$/.test(text));
/** What others may say of a layer. The instruction's words stay at home: they hold the values of ARGs. */
export interface SharedRecord {
  readonly key: string;
  readonly diffId: string;
  readonly created: string;
}

const cacheRecord: Shape<SharedRecord> = fields<SharedRecord>({
  key,
  diffId: form('a sha256 digest', 'sha256 digests', isDigest),
  created: time,
});

export const shared = (records: readonly CacheRecord[]): readonly SharedRecord[] =>
  records.map(({ key, diffId, created }) => ({ key, diffId, created }));

const configShape = fields<{ [CACHE_FIELD]?: readonly SharedRecord[] }>({
  [CACHE_FIELD]: optional(listOf(cacheRecord, MOST_RECORDS)),
});

/** Each with the place of its layer in the manifest. @throws ImageError for a document that is none. */
export function readCacheConfig(
  bytes: Uint8Array,
  name: string,
): readonly { readonly record: SharedRecord; readonly layer: number }[] {
  const { rootfs } = readImageConfig(bytes, name);
  const foreign = { what: `the build cache of ${name}`, code: 'CACHE_INVALID' };
  const places = new Map(rootfs.diff_ids.map((diffId, layer) => [diffId, layer]));
  return (readForeign(configShape, bytes, foreign)[CACHE_FIELD] ?? []).flatMap((record) => {
    const layer = places.get(record.diffId);
    return layer === undefined ? [] : [{ record, layer }];
  });
}

/** Of an image that is nothing but the cache. */
export const cacheConfigBytes = (
  platform: Platform,
  records: readonly CacheRecord[],
  diffIds: readonly string[],
): Buffer =>
  Buffer.from(
    JSON.stringify({
      architecture: platform.architecture,
      os: platform.os,
      rootfs: { type: 'layers', diff_ids: diffIds },
      [CACHE_FIELD]: shared(records),
    }),
  );
