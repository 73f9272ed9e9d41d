/**
 * `RUN --mount=type=cache`: a directory that outlives builds. Its name is a digest of its id, and of the stage that it
 * began with. RUNs share it, take turns (locked), or have one each (private).
 */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageStore } from '../../images/store/image-store.ts';
import { delay } from '../../runtime/io/delay.ts';
import { errnoOf } from '../../runtime/syscall/error.ts';
import { tryLock, type Lock } from '../engine/state/lock.ts';
import { fillingDir, useCacheMount } from '../engine/state/cache-mounts.ts';
import { removeTree } from '../engine/state/remove-tree.ts';
import { csvLine } from '../engine/spec/csv.ts';
import { BuildError } from './errors.ts';
import { copyForMount } from './mount-copies.ts';
import { isSet, subpathOf, type Hold, type MountSources } from './mount-options.ts';
import type { MountOptions, RunInstruction } from './parse/instruction.ts';

const POLL = 50;

export async function cacheMount(
  sources: MountSources,
  options: MountOptions,
  target: string,
  lines: RunInstruction['lines'],
): Promise<{ readonly key: unknown; readonly hold: Hold }> {
  const { source, store, engine, signal } = sources;
  const from = options.get('from');
  // What a new cache begins with. One that begins otherwise is another one.
  const base = from === undefined ? undefined : await source(from);
  const subpath = subpathOf(options);
  const id = options.get('id') ?? target;
  const sharing = options.get('sharing') ?? 'shared';
  if (!['shared', 'private', 'locked'].includes(sharing))
    throw new BuildError({
      code: 'DOCKERFILE_SYNTAX',
      message: `unsupported sharing value "${sharing}"`,
      lines,
    });
  const mode = Number.parseInt(options.get('mode') ?? '0755', 8);
  const ids = [Number(options.get('uid') ?? 0), Number(options.get('gid') ?? 0)] as const;
  return {
    key: ['cache', target, id, base?.key ?? '', subpath],
    hold: async ({ mounts, undo }) => {
      const hash = createHash('sha256').update(id);
      if (base !== undefined) hash.update(`\0${base.key}`);
      // The part is a cache of its own: RUNs write in caches, so no path may be looked up in one.
      if (subpath !== '') hash.update(`\0/${subpath}`);
      const { place, release } = useCacheMount(engine.paths, hash.digest('hex'));
      undo.push(release);
      let dir = join(place, 'data');
      if (sharing !== 'shared') {
        const taken = await claim(place, sharing, signal);
        dir = taken.dir;
        undo.push(() => taken.lock.release());
      }
      if (base !== undefined && !existsSync(dir)) await fill(store, base.dirs, subpath, dir);
      if (mkdirSync(dir, { recursive: true }) !== undefined) {
        chownSync(dir, ...ids);
        chmodSync(dir, mode);
      }
      const readOnly = isSet(options, 'ro') ? ['readonly'] : [];
      mounts.push(csvLine(['type=bind', `src=${dir}`, `dst=${target}`, ...readOnly]));
    },
  };
}

/** locked: waits for the one directory; private: takes the first that no other RUN has. */
async function claim(
  base: string,
  sharing: string,
  signal: AbortSignal,
): Promise<{ readonly dir: string; readonly lock: Lock }> {
  for (;;) {
    for (let number = 0; number < (sharing === 'locked' ? 1 : 1000); number++) {
      const suffix = number === 0 ? '' : `-${String(number)}`;
      const lock = tryLock(join(base, `lock${suffix}`));
      if (lock !== undefined) return { dir: join(base, `data${suffix}`), lock };
    }
    signal.throwIfAborted();
    await delay(POLL);
  }
}

/** Complete or not at all: two RUNs may begin with the same cache. */
async function fill(store: ImageStore, dirs: readonly string[], subpath: string, dir: string): Promise<void> {
  const work = fillingDir(dirname(dir));
  try {
    if ((await copyForMount(store, dirs, subpath, work)) !== work)
      throw new BuildError({
        code: 'NO_SUCH_FILE',
        message: `"/${subpath}" is a file: a cache is a directory`,
      });
    renameSync(work, dir);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(errnoOf(error))) throw error; // Another RUN was first.
  } finally {
    removeTree(work);
  }
}
