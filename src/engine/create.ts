/**
 * `create`: builds a configuration from flags and image (spec.ts), then creates the container's name, directory and
 * volumes. A failure undoes them.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredImage } from '../../images/types.ts';
import type { ContainerConfig, MountSpec } from './spec/container.ts';
import type { CreateRequest } from './spec/create-request.ts';
import { invalidSpec } from './spec/flag-errors.ts';
import { containerEvent, usersEvents, volumeEvent } from './state/events/events.ts';
import { recordEvents } from './state/events/event-log.ts';
import { newId, randomName, shortId } from './spec/ids.ts';
import { claimDirectory, forgetClaims, recordClaims, sweepLeftovers } from './state/sweep.ts';
import { mountRequests, type MountRequest } from './spec/mount-flags.ts';
import { containerDir, mountedImagesDir, type Paths } from './state/paths.ts';
import { buildSpec } from './spec.ts';
import { isValidName, NEW_STATE, type ContainerStore } from './state/store.ts';
import { timestamp } from './spec/time.ts';
import { refuseLooseMounts } from './spec/userns-flags.ts';
import { withVolumesFrom } from './volumes/volumes-from.ts';
import {
  bindWords,
  deleteVolume,
  fileSystemOf,
  getVolume,
  lockVolumes,
  takeVolume,
  volumeData,
  volumeSource,
  type Volume,
} from './state/volumes.ts';

/** The configuration a request and an image make, with volumes still to be created. Touches nothing. */
export interface DraftContainer {
  readonly config: ContainerConfig;
  readonly mounts: readonly MountRequest[];
}

export function draftContainer(
  store: ContainerStore,
  request: CreateRequest,
  image: StoredImage,
  id = newId(),
): DraftContainer {
  const name = request.name?.replace(/^\//, '') ?? '';
  if (request.name !== undefined && !isValidName(name)) {
    throw invalidSpec(`Invalid container name (${request.name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  const defaults = image.config.config ?? {};
  const own = mountRequests(request, defaults);
  const { volumesFrom = [] } = request;
  const all = volumesFrom.length === 0 ? own : withVolumesFrom(store, volumesFrom, own);
  const mounts = all.map((mount, index) => placed(store.paths, mount, request, id, index));
  const spec = buildSpec(store, request, defaults, id);
  refuseLooseMounts(spec, mounts);
  const config: ContainerConfig = {
    id,
    name,
    created: timestamp(),
    imageRef: request.image,
    imageId: image.id,
    platform: image.config.os,
    layers: image.layerDirs,
    spec: { ...spec, mounts, ...(volumesFrom.length === 0 ? {} : { volumesFrom }) },
    ...(request.builder === undefined ? {} : { builder: request.builder }),
  };
  return { config, mounts };
}

/** What can be refused without the image is refused before it is fetched. */
export function checkRequest(store: ContainerStore, request: CreateRequest): void {
  draftContainer(store, request, ANY_IMAGE);
}

const ANY_IMAGE: StoredImage = {
  id: '',
  config: {
    architecture: '',
    os: 'linux',
    config: { Cmd: ['/'] },
    rootfs: { type: 'layers', diff_ids: [] },
  },
  manifestDigest: '',
  tags: [],
  repoDigests: [],
  layerDirs: [],
  size: 0,
  lastTagged: '',
};

/**
 * A volume that does not exist yet has a name and a place, so that a dry run can show it. An image has the layers that
 * its name leads to now; one of another container (--volumes-from) those that it has there.
 */
function placed(
  paths: Paths,
  mount: MountRequest,
  { mountedImages }: CreateRequest,
  id: string,
  index: number,
): MountRequest {
  if (mount.image !== undefined) {
    const { name } = mount.image;
    const found = mount.image.id === '' ? mountedImages?.get(name) : undefined;
    const image = found === undefined ? mount.image : { name, id: found.id, layers: found.layerDirs };
    return { ...mount, source: join(mountedImagesDir(paths, id), String(index)), image };
  }
  if (mount.type !== 'volume') return mount;
  const volume = mount.volume ?? newId();
  return { ...mount, volume, source: volumeData(paths, volume) };
}

/** A draft to be shown: with the volumes that are there already as they are. */
export function withKnownVolumes(
  { paths }: ContainerStore,
  { config, mounts }: DraftContainer,
): DraftContainer {
  const known = mounts.map((mount): MountRequest => {
    const volume = mount.volume === undefined ? undefined : getVolume(paths, mount.volume);
    return volume === undefined ? mount : { ...mount, ...onVolume(mount, volume) };
  });
  return { config: { ...config, spec: { ...config.spec, mounts: known } }, mounts: known };
}

function onVolume(mount: MountSpec, volume: Volume): MountSpec {
  const fileSystem = fileSystemOf(volume);
  const words = bindWords(volume);
  return {
    ...mount,
    source: volumeSource(volume),
    volume: volume.name,
    readOnly: mount.readOnly || words.includes('ro'),
    options: [...mount.options, ...words.filter((word) => word !== 'ro')],
    ...(fileSystem === undefined ? {} : { fileSystem }),
  };
}

/** Makes the container, under `id` where its shim has been told one already. Everything made is removed again if a later part fails. */
export async function createContainer(
  store: ContainerStore,
  request: CreateRequest,
  image: StoredImage,
  id = newId(),
): Promise<ContainerConfig> {
  const draft = draftContainer(store, request, image, id);
  const dir = containerDir(store.paths, id);
  const undo: (() => void)[] = [];
  // A name or a volume that a killed command took must not be in the way.
  sweepLeftovers(store);
  try {
    if (request.cidfile !== undefined) {
      writeCidFile(request.cidfile, id);
      undo.push(() => rmSync(request.cidfile as string, { force: true }));
    }
    const lock = claimDirectory(store, id);
    undo.push(
      () => lock.release(),
      () => rmSync(dir, { recursive: true, force: true }),
    );
    const name = takeName(store, draft);
    undo.push(() => store.names.release(name, id));
    const takesByName = draft.mounts.some(({ type, anonymous }) => type === 'volume' && anonymous !== true);
    const volumesLock = takesByName ? await lockVolumes(store.paths) : undefined;
    undo.push(() => volumesLock?.release());
    const { mounts, fresh, publish, made } = makeVolumes(store.paths, draft.mounts, undo);
    const config: ContainerConfig = { ...draft.config, name, spec: { ...draft.config.spec, mounts } };
    if (fresh.length > 0) {
      const { fillVolumes } = await import('./state/volume-copy.ts');
      await fillVolumes(store.paths, config, fresh);
    }
    for (const each of publish) each();
    store.writeState(id, NEW_STATE);
    store.writeConfig(config);
    forgetClaims(store, id);
    recordEvents(store.paths, [
      ...made.map((volume) => volumeEvent(volume, 'create')),
      ...usersEvents(config, containerEvent(config, 'create')),
    ]);
    volumesLock?.release();
    lock.release();
    return config;
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

/** Takes the name asked for, or a free one. */
function takeName(store: ContainerStore, { config, mounts }: DraftContainer): string {
  const anonymousVolumes = mounts.flatMap(({ anonymous, volume }) =>
    anonymous === true && volume !== undefined ? [volume] : [],
  );
  const take = (name: string): string => {
    recordClaims(store, config.id, { name, anonymousVolumes });
    store.names.reserve(name, config.id);
    return name;
  };
  if (config.name !== '') return take(config.name);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return take(attempt < 5 ? randomName() : `${randomName()}_${shortId(newId())}`);
    } catch (error) {
      if ((error as { code?: string }).code !== 'NAME_IN_USE') throw error;
    }
  }
}

function writeCidFile(path: string, id: string): void {
  try {
    writeFileSync(path, id, { flag: 'wx' });
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw invalidSpec(
      exists
        ? `container ID file found, make sure the other container isn't running or delete ${path}`
        : `failed to create the container ID file: ${(error as Error).message}`,
    );
  }
}

function makeVolumes(
  paths: Paths,
  requests: readonly MountRequest[],
  undo: (() => void)[],
): {
  readonly mounts: readonly MountSpec[];
  readonly fresh: readonly MountSpec[];
  readonly publish: readonly (() => void)[];
  /** Names of volumes that were not there. */
  readonly made: readonly string[];
} {
  const fresh: MountSpec[] = [];
  const toPublish: (() => void)[] = [];
  const names: string[] = [];
  const mounts = requests.map(({ noCopy, makeSource, ...mount }): MountSpec => {
    if (makeSource === true && !existsSync(mount.source)) {
      // Docker leaves it behind as well when the container fails: the user may have begun to use it.
      mkdirSync(mount.source, { recursive: true, mode: 0o755 });
    }
    if (mount.type !== 'volume') return mount;
    const taken = takeVolume(paths, mount.volume ?? newId(), mount);
    const { volume, isNew, toFill, publish } = taken;
    const made = onVolume(mount, volume);
    if (isNew) {
      names.push(volume.name);
      if (toFill) undo.push(() => deleteVolume(paths, volume.name));
    }
    if (toFill && !noCopy) fresh.push(made);
    if (isNew || (toFill && !noCopy)) toPublish.push(publish);
    return made;
  });
  return { mounts, fresh, publish: toPublish, made: names };
}
