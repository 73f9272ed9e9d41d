/**
 * The target `state`: minidock's own files in a root, one of them nearly right. Whatever stands in it, every listing
 * goes on, and what is listed can be shown: `ps`, `inspect`, `network ls`, `volume ls` and `images` read nothing else.
 */
import { examiner } from '../../src/engine/state/examiner.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../images/digest.ts';
import { ImageError } from '../../images/errors.ts';
import { ImageStore } from '../../images/store/image-store.ts';
import { containerRow } from '../../src/docker/container-row.ts';
import { inspectContainer } from '../../src/docker/inspect/container.ts';
import { inspectNetwork } from '../../src/docker/inspect/network-object.ts';
import { complaints } from '../../src/engine/state/damage.ts';
import { listNetworks } from '../../src/engine/state/networks.ts';
import { type Container, ContainerStore, NEW_STATE } from '../../src/engine/state/store.ts';
import { unreadableConfig } from '../../src/engine/state/unreadable.ts';
import { listVolumes } from '../../src/engine/state/volumes.ts';
import { removeTree } from '../../src/engine/state/remove-tree.ts';
import { fileLock } from '../support/kernel/file-lock.ts';
import { randomJson } from './mutate-json.ts';
import type { Random } from './random.ts';

const id = 'a'.repeat(64);
const digest = `sha256:${id}`;
const longest = 2000;
let inputs = 0;

/** The kind of outcome: which file was changed, and what was said of it. */
export async function fuzzState(random: Random, dir: string): Promise<string> {
  // A damaged file is named once in a process; each input has files of its own.
  const root = join(dir, 'work', `root${String(inputs++)}`);
  const paths = { root, run: join(dir, 'work', 'run') };
  const documents = goodDocuments(paths);
  const changed = random.pick([...documents.keys()]);
  for (const [name, document] of documents) {
    const path = join(paths.root, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, name === changed ? randomJson(random, document) : JSON.stringify(document));
  }
  const said: string[] = [];
  const { say } = complaints;
  complaints.say = (text) => void said.push(text);
  try {
    const containers = new ContainerStore(paths, examiner).list();
    if (containers.length !== 1) throw new Error(`ps lists ${String(containers.length)} containers`);
    for (const container of containers) show(container, paths);
    for (const network of listNetworks(paths)) JSON.stringify(inspectNetwork(network, containers));
    listVolumes(paths);
    await listImages(paths.root, said);
  } finally {
    complaints.say = say;
  }
  const long = said.find((text) => text.length > longest);
  if (long !== undefined) throw new Error(`a message of ${String(long.length)} characters`);
  return said.length === 0 ? '' : `${changed.replace(id, 'ID')}: ${said.join('; ')}`;
}

function show({ config, state }: Container, paths: ContainerStore['paths']): void {
  containerRow({ config, state }, { noTrunc: false, now: new Date() });
  JSON.stringify(inspectContainer(config, state, paths));
}

const unused = (): Promise<never> => Promise.reject(new Error('a listing unpacks nothing'));

async function listImages(root: string, said: string[]): Promise<void> {
  const store = new ImageStore({
    dir: join(root, 'images'),
    unpacker: { unpackLayer: unused, makeOverrides: unused },
    acquireLock: fileLock,
    removeTree,
    onDamage: (error, consequence) => said.push(`${error.message} ${consequence}`),
  });
  try {
    for (const image of await store.list()) store.history(image);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    said.push(error.message);
  }
}

function goodDocuments(paths: ContainerStore['paths']): ReadonlyMap<string, object> {
  const network = {
    ...{ id: 'b'.repeat(64), name: 'net', bridge: 'md-net', subnet: '10.89.0.0/24', gateway: '10.89.0.1' },
    created: '2026-01-01T00:00:00Z',
  };
  const config = unreadableConfig(paths, id);
  const state = {
    ...NEW_STATE,
    status: 'exited',
    ...{ exitCode: 3, startedAt: network.created, finishedAt: network.created, bootId: 'x' },
    network: { network, netns: '/n', address: '10.89.0.2', macAddress: 'm', hostVeth: 'v', ports: [] },
  };
  const imageConfig = {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digest] },
  };
  const imageId = digestOf(Buffer.from(JSON.stringify(imageConfig)));
  const image = {
    ...{ id: imageId, manifestDigest: digest, tags: ['docker.io/library/a:1'], repoDigests: [] },
    ...{ layers: [{ diffId: digest, blob: digest, size: 1 }], layerDirs: [], lastTagged: network.created },
  };
  return new Map<string, object>([
    [`containers/${id}/config.json`, { ...config, name: 'web', imageRef: 'a', created: network.created }],
    [`containers/${id}/state.json`, state],
    ['networks/net.json', network],
    ['volumes/data/volume.json', { created: network.created, anonymous: false }],
    [`images/blobs/sha256/${imageId.slice(7)}`, imageConfig],
    ['images/images.json', { version: 1, images: [image] }],
  ]);
}
