/**
 * What `build` keeps of the instructions that it carried out: one file for each key, which names the layer that came of
 * it. A key is a digest of the instruction and of all that went into it, so a record never changes and a build that is
 * killed leaves no wrong one. The time of its last use is the file's own.
 */
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fields, form, optional, size, text, type Shape } from '../../../images/foreign/shape.ts';
import { isDigest } from '../../../images/reference.ts';
import { layerName } from '../../../images/store/layer-store.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { readRecord, writeRecord } from './atomic-file.ts';
import { buildCacheDir, imagesDir, type Paths } from './paths.ts';

export interface CacheRecord {
  readonly key: string;
  readonly diffId: string;
  /** Bytes of its files. */
  readonly size: number;
  /** RFC 3339. */
  readonly created: string;
  /** The instruction, for people. */
  readonly description: string;
  readonly parent?: string;
  /** The cache of --cache-from that it came from: only builds that name one with this key use it. */
  readonly from?: string;
}

export interface UsedRecord extends CacheRecord {
  /** Milliseconds of the epoch. */
  readonly lastUsed: number;
}

const cacheRecord: Shape<CacheRecord> = fields<CacheRecord>({
  key: text,
  diffId: form('a sha256 digest', 'sha256 digests', isDigest),
  size,
  created: text,
  description: text,
  parent: optional(text),
  from: optional(text),
});

const fileOf = (paths: Paths, key: string): string => join(buildCacheDir(paths), `${key}.json`);

/** undefined also for one that is damaged: the instruction is carried out again. */
export function findCached(paths: Paths, key: string): CacheRecord | undefined {
  const record = read(paths, key);
  if (record?.key !== key) return undefined;
  const now = new Date();
  try {
    utimesSync(fileOf(paths, key), now, now);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // Pruned since: its layer is still there.
  }
  return record;
}

export function writeCached(paths: Paths, record: CacheRecord): void {
  ensurePrivateDir(buildCacheDir(paths));
  writeRecord(fileOf(paths, record.key), record);
}

/** Least recently used first. */
export function listCached(paths: Paths): readonly UsedRecord[] {
  return names(paths)
    .flatMap((name) => {
      const record = read(paths, name.slice(0, -'.json'.length));
      const stats = statSync(join(buildCacheDir(paths), name), { throwIfNoEntry: false });
      return record === undefined || stats === undefined ? [] : [{ ...record, lastUsed: stats.mtimeMs }];
    })
    .sort((a, b) => a.lastUsed - b.lastUsed);
}

export const removeCached = (paths: Paths, key: string): void => rmSync(fileOf(paths, key), { force: true });

/** Directories of layers that a build may take up again. */
export const cachedLayerDirs = (paths: Paths): readonly string[] =>
  listCached(paths).map(({ diffId }) => join(imagesDir(paths), layerName(diffId), 'fs'));

function read(paths: Paths, key: string): CacheRecord | undefined {
  try {
    return readRecord(fileOf(paths, key), cacheRecord);
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    return undefined;
  }
}

function names(paths: Paths): readonly string[] {
  try {
    return readdirSync(buildCacheDir(paths)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
