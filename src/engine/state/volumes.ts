/** Volumes: directories that outlive containers, volumes/<name>/_data. Anonymous ones have 64 hex digits for a name. */
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { delay } from '../../../runtime/io/delay.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { copyOf } from '../../../images/foreign/kept.ts';
import { isDamaged, readKeptRecord, refuseLink, writeKeptRecord } from './atomic-file.ts';
import { missingFile, tellDamage } from './damage.ts';
import { tryLock, type Lock } from './lock.ts';
import { volumesDir, type Paths } from './paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { volumeRecord } from './records.ts';
import { isId } from '../spec/ids.ts';
import { removeTree } from './remove-tree.ts';
import type { FileSystemSpec, MountSpec } from '../spec/container.ts';
import { timestamp } from '../spec/time.ts';

export interface Volume {
  readonly name: string;
  readonly created: string;
  readonly anonymous: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly mountpoint: string;
}

/** What `volume create -o` made of a volume. */
type WithOptions = Pick<Volume, 'options' | 'mountpoint'>;

const isBind = (o: string): boolean => o.split(',').some((word) => /^r?bind$/.test(word));

/** Where the files of a volume are: its own directory, or the one that `volume create -o o=bind,device=DIR` named. */
export const volumeSource = ({ mountpoint, options: { o = '', device = '' } = {} }: WithOptions): string =>
  isBind(o) && device !== '' ? device : mountpoint;

/** To be mounted on its own directory while containers use it. */
export function fileSystemOf({ options = {} }: Pick<WithOptions, 'options'>): FileSystemSpec | undefined {
  const { type = '', o = '', device = '' } = options;
  return device === '' || isBind(o) ? undefined : { type, device, options: o };
}

/** The words that hold for the mount of a bound directory in a container. */
export const bindWords = ({ options: { o = '' } = {} }: Pick<WithOptions, 'options'>): readonly string[] =>
  isBind(o) ? o.split(',').filter((word) => !/^(r?bind|rw|)$/.test(word)) : [];

export const volumeData = (paths: Paths, name: string): string => join(volumesDir(paths), name, '_data');

/** Also the name of a directory: no longer than that may be, and none but a child of volumes/. */
const isVolumeName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name);

const LONGEST_NAME = 255;

/** A volume that a container is about to use. */
export interface TakenVolume {
  readonly volume: Volume;
  readonly isNew: boolean;
  /** To be filled from the image, as in Docker: it is empty, or only who opens it can tell (volume-copy-child.ts). */
  readonly toFill: boolean;
  /** To be called when it is filled: from then on others find a new one, and nobody fills it anew. */
  readonly publish: () => void;
}

/**
 * Held by a process that takes volumes by name, until its container is visible, and by one that removes a volume. So
 * no process joins a volume that is still being filled, or removes one that another is joining.
 */
export async function lockVolumes(paths: Paths): Promise<Lock> {
  ensurePrivateDir(volumesDir(paths));
  for (;;) {
    const lock = tryLock(join(paths.root, 'volumes.lock'));
    if (lock !== undefined) return lock;
    await delay(LOCK_RETRY);
  }
}

/** Milliseconds. */
const LOCK_RETRY = 5;

/** @throws MinidockError 'INVALID_VOLUME_NAME' in Docker's words. */
export function checkVolumeName(paths: Paths, name: string): void {
  if (name.length > LONGEST_NAME) {
    throw new MinidockError({
      code: 'INVALID_VOLUME_NAME',
      message: `create ${name}: error while creating volume root path: mkdir ${join(volumesDir(paths), name)}: file name too long`,
      hint: `The name of a volume is that of a directory: ${String(LONGEST_NAME)} characters at most.`,
    });
  }
  if (!isVolumeName(name)) {
    throw new MinidockError({
      code: 'INVALID_VOLUME_NAME',
      message: `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`,
      hint: 'If you intended to pass a host directory, use an absolute path.',
    });
  }
}

/** Made if it is not there. One that is named is only to be asked for with the lock held. */
export function takeVolume(
  paths: Paths,
  name: string,
  { anonymous, subpath }: Pick<MountSpec, 'anonymous' | 'subpath'>,
): TakenVolume {
  checkVolumeName(paths, name);
  const existing = getVolume(paths, name);
  if (existing !== undefined) {
    const publish = (): void => rmSync(fillingPath(paths, name), { force: true });
    return {
      volume: existing,
      isNew: false,
      toFill: subpath !== undefined || mayBeEmpty(paths, existing),
      publish,
    };
  }
  ensurePrivateDir(volumesDir(paths));
  const dir = join(volumesDir(paths), name);
  // Who began to fill it held the lock, and was killed.
  if (existsSync(fillingPath(paths, name))) removeTree(dir);
  mkdirSync(volumeData(paths, name), { recursive: true, mode: 0o755 });
  const meta = { created: timestamp(), anonymous: anonymous === true };
  return {
    volume: { name, ...meta, mountpoint: volumeData(paths, name) },
    isNew: true,
    toFill: readdirSync(volumeData(paths, name)).length === 0,
    publish: () => {
      writeKeptRecord(join(dir, 'volume.json'), meta);
      rmSync(fillingPath(paths, name), { force: true });
    },
  };
}

/** One whose filling was broken off counts as empty. */
function mayBeEmpty(paths: Paths, volume: Volume): boolean {
  if (existsSync(fillingPath(paths, volume.name))) return true;
  const fileSystem = fileSystemOf(volume);
  // What is copied to a tmpfs goes with the mount that it was copied by.
  if (fileSystem !== undefined) return !MEMORY.includes(fileSystem.type);
  try {
    return readdirSync(volumeSource(volume)).length === 0;
  } catch (error) {
    // A directory of the host that is not there: the start reports it.
    if (errnoOf(error) === '') throw error;
    return false;
  }
}

const MEMORY: readonly string[] = ['tmpfs', 'ramfs'];

/** Is there while a volume is being filled, until it is published. */
export const fillingPath = (paths: Paths, name: string): string => join(volumesDir(paths), name, 'filling');

export function getVolume(paths: Paths, name: string): Volume | undefined {
  if (!isVolumeName(name)) return undefined;
  refuseLink(join(volumesDir(paths), name));
  refuseLink(volumeData(paths, name));
  const path = join(volumesDir(paths), name, 'volume.json');
  const mountpoint = volumeData(paths, name);
  try {
    const { value, damage } = readKeptRecord(path, volumeRecord);
    if (damage !== undefined)
      tellDamage(damage === 'missing' ? missingFile(path) : damage, 'Its copy is used.');
    return value && { name, ...value, mountpoint };
  } catch (error) {
    if (!isDamaged(error)) throw error;
    // Its files are what matters, and its name is the directory's; an anonymous one has an id for a name.
    tellDamage(error, `The volume ${name} is used as it is.`);
    const { birthtime } = statSync(mountpoint, { throwIfNoEntry: false }) ?? { birthtime: new Date(0) };
    return { name, created: birthtime.toISOString(), anonymous: isId(name), mountpoint };
  }
}

export function listVolumes(paths: Paths): readonly Volume[] {
  if (!existsSync(volumesDir(paths))) return [];
  return readdirSync(volumesDir(paths))
    .filter((name) => lstatSync(join(volumesDir(paths), name)).isDirectory())
    .sort()
    .flatMap((name) => {
      try {
        return getVolume(paths, name) ?? [];
      } catch (error) {
        // A link in its place: it is named, and the others are listed.
        if (!isDamaged(error)) throw error;
        tellDamage(error);
        return [];
      }
    });
}

/** Also of one that has not been published. */
export function deleteVolume(paths: Paths, name: string): void {
  // A removal that is killed must not leave a copy alone, which would look like a record that is lost.
  rmSync(copyOf(join(volumesDir(paths), name, 'volume.json')), { force: true });
  removeTree(join(volumesDir(paths), name));
}
