/**
 * `volume rm`, and what a prune does to each volume. The lock of the volumes keeps containers from joining meanwhile.
 * Whatever is mounted on its directory goes first: a file system of its own that a killed container left there, and be
 * it an NFS server's, must not be emptied with the directory.
 * What a command leaves that is killed in between is a directory without a volume's name, which the next one deletes.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { hostOf, unmountAll } from '../../../runtime/volumes/hold.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { planVolumeRemoval } from '../plans/volume-files-plan.ts';
import { cannotTell } from '../state/damage.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { volumeEvent } from '../state/events/events.ts';
import { volumesDir, volumeUsersDir, type Paths } from '../state/paths.ts';
import { performFileStep, type FileStep } from '../state/perform-file.ts';
import { removeTree } from '../state/remove-tree.ts';
import type { ContainerStore } from '../state/store.ts';
import { fileSystemOf, getVolume, lockVolumes, volumeData, type Volume } from '../state/volumes.ts';

/** Told the plan before it is carried out. */
type Tell = (steps: readonly FileStep[]) => void;

/** `force`: one that is not there counts as removed. @throws MinidockError as planUnusedVolume, 'STEP_FAILED'. */
export async function removeUnusedVolume(
  store: ContainerStore,
  name: string,
  { force, tell }: { readonly force: boolean; readonly tell?: Tell | undefined },
): Promise<void> {
  // Waits for the lock, so that a container that is being created is listed.
  const lock = await lockVolumes(store.paths);
  try {
    sweepVolumes(store.paths);
    const steps = planUnusedVolume(store, name, force);
    tell?.(steps);
    removeBySteps(store.paths, name, steps);
  } finally {
    lock.release();
  }
}

/** Nothing is touched. @throws MinidockError 'VOLUME_IN_USE', 'NO_SUCH_VOLUME', 'DAMAGED_FILE'. */
export function planUnusedVolume(store: ContainerStore, name: string, force: boolean): readonly FileStep[] {
  const users = store.list();
  const user = users.find(({ config }) => config.spec.mounts.some((mount) => mount.volume === name));
  if (user !== undefined) {
    throw new MinidockError({
      code: 'VOLUME_IN_USE',
      message: `remove ${name}: volume is in use - [${user.config.id}]`,
    });
  }
  const unknown = users.find(({ unreadable }) => unreadable !== undefined);
  if (unknown !== undefined) throw cannotTell(`remove ${name}`, unknown);
  return planRemovalOf(store.paths, name, force);
}

/** @throws MinidockError 'NO_SUCH_VOLUME'. */
export function planRemovalOf(paths: Paths, name: string, force = false): readonly FileStep[] {
  const volume = getVolume(paths, name);
  if (volume !== undefined) return planVolumeRemoval(paths, name, keptBy(volume));
  if (force) return [];
  throw new MinidockError({ code: 'NO_SUCH_VOLUME', message: `get ${name}: no such volume` });
}

/** Where its files are if they are not removed with it. */
const keptBy = (volume: Volume): string | undefined =>
  fileSystemOf(volume)?.type === 'tmpfs' ? undefined : volume.options?.['device'];

/** With the lock of the volumes held. */
export function removeBySteps(paths: Paths, name: string, steps: readonly FileStep[]): void {
  const [takeAway, ...rest] = steps;
  if (takeAway === undefined) return;
  unmountAll(volumeData(paths, name), hostOf(kernel));
  removeTree(volumeUsersDir(paths, name));
  performFileStep(takeAway);
  recordEvent(paths, volumeEvent(name, 'destroy'));
  rest.forEach(performFileStep);
}

/** With the lock of the volumes held: removals that were broken off, and makings of volumes that have a name. */
export function sweepVolumes(paths: Paths): void {
  const dir = volumesDir(paths);
  for (const name of readdirSync(dir)) {
    if (!name.startsWith('.removing-') && !isUnfinished(paths, name)) continue;
    try {
      removeTree(join(dir, name));
    } catch (error) {
      // Something is mounted in it, or the disk fails: that must not keep others from their work.
      if (errnoOf(error) === '') throw error;
    }
  }
}

/** It has no record, and is empty or was being filled. An anonymous one belongs to a container that is being made without this lock. */
function isUnfinished(paths: Paths, name: string): boolean {
  const dir = join(volumesDir(paths), name);
  if (/^[0-9a-f]{64}$/.test(name) || lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true)
    return false;
  const names = readdirSync(dir);
  if (names.some((each) => !/^(_data|filling|\..*\.tmp)$/.test(each))) return false;
  if (names.includes('filling')) return true;
  const data = lstatSync(join(dir, '_data'), { throwIfNoEntry: false });
  return data === undefined || (data.isDirectory() && readdirSync(join(dir, '_data')).length === 0);
}
