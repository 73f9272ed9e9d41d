/**
 * What a killed `create` or `rm` leaves: a container's directory that has no config.json yet, or one on its way out
 * (.removing-ID). The process that creates or removes one holds the lock in it, so a directory with a free lock has
 * no owner. Cheap if nothing is wrong: it reads the directory of containers and looks once at each.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf } from '../../../images/foreign/kept.ts';
import { listOf, line, record, type Shape } from '../../../images/foreign/shape.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { isDamaged, readRecord } from './atomic-file.ts';
import { isHalfMade, claimsPath } from './half-made.ts';
import { tryLock, type Lock } from './lock.ts';
import { moveAway } from './perform-file.ts';
import { containerDir, containerLock, containerRunDir, containersDir, volumesDir } from './paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { removeTree } from './remove-tree.ts';
import type { ContainerStore } from './store.ts';

const REMOVING = '.removing-';
/** Milliseconds. */
const SWEEP_BUDGET = 50;

/** What a container in the making claims outside its directory. It is recorded there before it is claimed. */
export interface Claims {
  readonly name: string;
  readonly anonymousVolumes: readonly string[];
}

const claimsShape: Shape<Claims> = record<Claims>({ name: line, anonymousVolumes: listOf(line) });

export function recordClaims(store: ContainerStore, id: string, claims: Claims): void {
  writeFileSync(claimsPath(containerDir(store.paths, id)), JSON.stringify(claims), { mode: 0o600 });
}

/** The container is made: from here on its config.json says what belongs to it. */
export function forgetClaims(store: ContainerStore, id: string): void {
  rmSync(claimsPath(containerDir(store.paths, id)), { force: true });
}

/** The directory of a container to be made, and its lock. */
export function claimDirectory(store: ContainerStore, id: string): Lock {
  const path = containerLock(store.paths, id);
  for (;;) {
    ensurePrivateDir(containerDir(store.paths, id));
    // Between the two, someone who sweeps may take it for a leftover.
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
  }
}

/**
 * Names first, which the next command may want; then files, for `budget` milliseconds: what a container has left may
 * take longer than a command should wait for, and the next one goes on from there.
 */
export function sweepLeftovers(store: ContainerStore, budget = SWEEP_BUDGET): void {
  const deadline = performance.now() + budget;
  const names = directoriesIn(containersDir(store.paths));
  for (const id of names.filter((name) => /^[0-9a-f]{64}$/.test(name))) sweepUnfinished(store, id, deadline);
  for (const name of directoriesIn(containersDir(store.paths)).filter((name) => name.startsWith(REMOVING))) {
    const dir = join(containersDir(store.paths), name);
    const lock = existsSync(join(dir, 'lock')) ? tryLock(join(dir, 'lock')) : NO_LOCK;
    // Its claims are recorded in its directory, which stays until they are released.
    if (lock !== undefined && removeClaimed(store, dir, name.slice(REMOVING.length), deadline))
      removeQuietly(dir, deadline);
    lock?.release();
  }
}

const NO_LOCK: Pick<Lock, 'release'> = { release: () => undefined };

function sweepUnfinished(store: ContainerStore, id: string, deadline: number): void {
  const dir = containerDir(store.paths, id);
  if (!isHalfMade(dir)) return;
  const lock = tryLock(join(dir, 'lock'));
  // Looks again now that the lock keeps others away.
  if (lock !== undefined && existsSync(dir) && isHalfMade(dir)) {
    removeUnfinished(store, id, deadline);
  }
  lock?.release();
}

function removeUnfinished(store: ContainerStore, id: string, deadline: number): void {
  const dir = containerDir(store.paths, id);
  if (!removeClaimed(store, dir, id, deadline)) return;
  removeQuietly(containerRunDir(store.paths, id), deadline);
  moveAway(dir, join(containersDir(store.paths), `${REMOVING}${id}`));
}

/** Removes its name and its anonymous volumes; false if one of them is still there. */
function removeClaimed(store: ContainerStore, dir: string, id: string, deadline: number): boolean {
  const claims = readClaims(dir);
  // A container that takes no volume along claims nothing; its removal may have been killed before its name was free.
  const names = (claims === undefined ? store.names.list() : [claims.name]).filter(
    (name) => store.names.read(name) === id,
  );
  // In this order: a maker whose directory was swept makes it anew (claimDirectory), and takes the name after that.
  const home = containerDir(store.paths, id);
  if (dir === home || !existsSync(home)) for (const name of names) store.names.release(name, id);
  if (claims === undefined) return true;
  return claims.anonymousVolumes.every((volume) => {
    const path = join(volumesDir(store.paths), volume);
    rmSync(copyOf(join(path, 'volume.json')), { force: true });
    return removeQuietly(path, deadline);
  });
}

/** Anonymous volumes of containers that are being made, or removed, just now. */
export const claimedVolumes = ({ paths }: ContainerStore): readonly string[] =>
  directoriesIn(containersDir(paths)).flatMap(
    (name) => readClaims(join(containersDir(paths), name))?.anonymousVolumes ?? [],
  );

/** undefined if the kill came before anything could be taken. */
function readClaims(dir: string): Claims | undefined {
  try {
    return readRecord(claimsPath(dir), claimsShape);
  } catch (error) {
    // Others may take its name; doctor finds the volumes.
    if (isDamaged(error)) return undefined;
    throw error;
  }
}

function directoriesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    // None yet, or not ours to see: what needs root says so itself.
    if (['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** Whether it is gone. What does not go must not keep every command from its work: doctor names it. */
function removeQuietly(path: string, deadline: number): boolean {
  try {
    return removeTree(path, deadline);
  } catch (error) {
    // Something is mounted in it, or a file cannot be changed (chattr +i), or the disk fails.
    if (errnoOf(error) === '') throw error;
    return false;
  }
}
