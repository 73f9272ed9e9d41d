/**
 * Directories of `RUN --mount=type=cache`: which there are, and which builds use them. A user is a file with the name of
 * its process, so a killed build uses none. One lock guards both ways in: a cache is removed only without a user, and
 * under the lock it gets another name first, so that the next build begins a new one.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOwnerAlive, ownerTag } from '../../../images/store/owner.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { waitLock } from './lock.ts';
import { cacheMountsDir, type Paths } from './paths.ts';
import { removeTree } from './remove-tree.ts';

const REMOVING = '.removing-';
const FILLING = '.filling-';

/** Its directory, which stays until `release`. */
export function useCacheMount(
  paths: Paths,
  id: string,
): { readonly place: string; readonly release: () => void } {
  const place = join(cacheMountsDir(paths), id);
  return locked(paths, () => {
    ensurePrivateDir(place);
    sweepUses(place);
    const user = join(place, 'users', ownerTag());
    mkdirSync(join(place, 'users'), { recursive: true, mode: 0o700 });
    writeFileSync(user, '', { flag: 'wx', mode: 0o600 });
    return { place, release: () => rmSync(user, { force: true }) };
  });
}

/** In a cache's directory: where its files are copied to before they are complete. */
export const fillingDir = (place: string): string => join(place, `${FILLING}${ownerTag()}`);

/** What killed builds have left in a cache. */
function sweepUses(place: string): void {
  for (const user of namesIn(join(place, 'users')))
    if (!isOwnerAlive(user)) rmSync(join(place, 'users', user), { force: true });
  for (const name of namesIn(place))
    if (name.startsWith(FILLING) && !isOwnerAlive(name.slice(FILLING.length)))
      removeIfPossible(join(place, name));
}

/** What cannot be removed fails no build. */
function removeIfPossible(path: string): void {
  try {
    removeTree(path);
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== 'string') throw error;
  }
}

/** Ids. */
export const listCacheMounts = (paths: Paths): readonly string[] =>
  namesIn(cacheMountsDir(paths)).filter((name) => /^[0-9a-f]{64}$/.test(name));

export const isCacheMountInUse = (paths: Paths, id: string): boolean =>
  namesIn(join(cacheMountsDir(paths), id, 'users')).some(isOwnerAlive);

/** False if a build uses it: then it stays. */
export function removeCacheMount(paths: Paths, id: string): boolean {
  const dir = cacheMountsDir(paths);
  const grave = join(dir, `${REMOVING}${ownerTag()}`);
  const isFree = locked(paths, () => {
    if (isCacheMountInUse(paths, id)) return false;
    try {
      renameSync(join(dir, id), grave);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error; // Another has removed it.
    }
    return true;
  });
  if (isFree) removeTree(grave);
  return isFree;
}

/** What a killed removal has left. */
export function sweepCacheMounts(paths: Paths): void {
  const dir = cacheMountsDir(paths);
  for (const name of namesIn(dir))
    if (name.startsWith(REMOVING) && !isOwnerAlive(name.slice(REMOVING.length))) removeTree(join(dir, name));
}

/** Blocks: the work is short. */
function locked<T>(paths: Paths, work: () => T): T {
  const lock = waitLock(join(cacheMountsDir(paths), 'lock'));
  try {
    return work();
  } finally {
    lock.release();
  }
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
