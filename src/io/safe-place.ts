/**
 * Whether a directory is a place for what root trusts: images, containers, journals. The rule of sshd's StrictModes
 * and systemd's chase(): the directory and all directories above it belong to root (or to minidock's user), and no
 * other user can write to them. A sticky directory such as /tmp may stand above: only the owner of a name renames it
 * in there (unlink(2)), so the directory itself decides. A name that is still free in a sticky directory is taken at
 * once, before someone else takes it. A group may not write either; that covers ACLs, whose mask the group's bits
 * show.
 *
 * A symbolic link on the way is followed if it is root's (`/var/run`), and what it leads to is judged by the same rule.
 * The kernel resolves nothing before it is judged: each name is looked at with lstat(2), from "/" down.
 */
import { lstatSync, mkdirSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { userNamespace } from '../../runtime/process/identity/user-namespace.ts';
import { unsafePlace, type Place } from './unsafe-place.ts';

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
/** What the kernel allows (MAXSYMLINKS). */
const MOST_LINKS = 40;
/** The owner that a user namespace shows of what belongs to nobody in it (/proc/sys/kernel/overflowuid). */
const NOBODY_HERE = 65534;

/** The place's path without links; its last names may not be there yet. @throws MinidockError 'UNSAFE_PLACE'. */
export function resolveSafePlace(place: Place): string {
  const left = place.path.split('/').filter(isName);
  let here = '/';
  let stats = lstatSync(here);
  for (let links = 0; ;) {
    judge(place, here, stats, left.length > 0);
    const name = left.shift();
    if (name === undefined) return here;
    const next = name === '..' ? dirname(here) : below(here, name);
    const found = look(next);
    if (found === 'hidden') return [next, ...left].join('/');
    if (found === undefined) {
      if ((stats.mode & OTHERS_WRITE) === 0 || process.geteuid?.() !== 0) return [next, ...left].join('/');
      take(next);
      left.unshift(name);
    } else if (found.isSymbolicLink()) {
      links += 1;
      if (!isOurs(found)) throw unsafePlace(place, { fault: 'foreign-link', path: next, uid: found.uid });
      if (links > MOST_LINKS) throw unsafePlace(place, { fault: 'endless-links', path: next });
      const target = readlinkSync(next);
      left.unshift(...target.split('/').filter(isName));
      if (target.startsWith('/')) [here, stats] = ['/', lstatSync('/')];
    } else {
      [here, stats] = [next, found];
    }
  }
}

/**
 * What is in a place, one level deep: minidock makes no links there, and nothing that others may write to. A place
 * that is not there has nothing in it. @throws MinidockError 'UNSAFE_PLACE'.
 */
export function checkContents(place: Place): void {
  for (const name of namesIn(place.path)) checkOwn(below(place.path, name), place);
}

/** One that minidock has made, or what is there instead, if there is any. @throws MinidockError 'UNSAFE_PLACE'. */
export function checkOwn(path: string, place: Place): Stats | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isSymbolicLink()) throw unsafePlace(place, { fault: 'link', path });
  if (!isOurs(stats)) throw unsafePlace(place, { fault: 'foreign', path, uid: stats.uid });
  judgeMode(place, path, stats, false);
  return stats;
}

function judge(place: Place, path: string, stats: Stats, isAbove: boolean): void {
  if (!stats.isDirectory()) throw unsafePlace(place, { fault: 'no-directory', path });
  if (!isOurs(stats) && !(isAbove && stats.uid === NOBODY_HERE && userNamespace() !== undefined)) {
    throw unsafePlace(place, { fault: isAbove ? 'foreign-above' : 'foreign', path, uid: stats.uid });
  }
  judgeMode(place, path, stats, isAbove);
}

function judgeMode(place: Place, path: string, { mode }: Stats, isAbove: boolean): void {
  if ((mode & OTHERS_WRITE) === 0 || (isAbove && (mode & STICKY) !== 0)) return;
  throw unsafePlace(place, { fault: 'writable', path, mode });
}

/** Not ours to see: what needs root says so itself. */
function look(path: string): Stats | undefined | 'hidden' {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES' && process.geteuid?.() !== 0) return 'hidden';
    throw error;
  }
}

/** Root is trusted by everyone: it can do all this anyway. */
const isOurs = ({ uid }: Stats): boolean => uid === 0 || uid === process.geteuid?.();

function take(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // What is there now is judged as all else is.
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    // None yet, or not ours to see: what needs root says so itself.
    if (['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

const below = (directory: string, name: string): string =>
  directory === '/' ? `/${name}` : `${directory}/${name}`;

const isName = (part: string): boolean => part !== '' && part !== '.';
