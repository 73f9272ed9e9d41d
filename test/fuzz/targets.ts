/**
 * What is fuzzed, and what must hold whatever the input: an archive or image is taken, or refused by an error of ours
 * that a user can read; nothing beside the layer's directory changes; how a stream is cut into chunks makes no
 * difference; and what one image does wrong, the store survives.
 *
 * Each target returns the kind of outcome, by which main.ts knows an input of a new kind.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { loadImages } from '../../images/archives/load.ts';
import { digestOf } from '../../images/digest.ts';
import { ImageError } from '../../images/errors.ts';
import type { FileSystemCalls } from '../../images/file-system-calls.ts';
import { readImageConfig, readManifest } from '../../images/manifest.ts';
import { mediaTypes } from '../../images/media-types.ts';
import { ImageStore } from '../../images/store/image-store.ts';
import { makeOverrides } from '../../images/unpack/overrides.ts';
import { TarReader } from '../../images/unpack/tar-reader.ts';
import { unpackLayer } from '../../images/unpack/unpack.ts';
import { removeTree } from '../../src/engine/state/remove-tree.ts';
import { fileLock } from '../support/kernel/file-lock.ts';
import { tarOf } from '../support/images/tar-bytes.ts';
import { randomJson } from './mutate-json.ts';
import { randomTar } from './mutate-tar.ts';
import { randomOf, type Random } from './random.ts';
import { fuzzState } from './state.ts';

export interface Surroundings {
  /** Empty, and empty again afterwards. */
  readonly dir: string;
  readonly callsFor: (root: string) => FileSystemCalls;
}

type Target = (random: Random, around: Surroundings) => Promise<string>;

export const targetNames = [
  'tar',
  'layers',
  'manifest',
  'index',
  'config',
  'archive',
  'layout',
  'state',
] as const;
export type TargetName = (typeof targetNames)[number];

/** Runs one input. @throws when it finds what must not be. */
export async function fuzzOnce(name: TargetName, seed: number, around: Surroundings): Promise<string> {
  writeFileSync(join(around.dir, 'secret'), 'untouched');
  const outcome = await targets[name](randomOf(seed), around);
  rmSync(join(around.dir, 'work'), { recursive: true, force: true });
  const left = readdirSync(around.dir);
  const secret = readFileSync(join(around.dir, 'secret'), 'utf8');
  if (left.join() !== 'secret' || secret !== 'untouched')
    throw new Error(`left behind: ${left.join()}, ${secret}`);
  rmSync(join(around.dir, 'secret'));
  return `${name}: ${outcome}`;
}

const targets: Readonly<Record<TargetName, Target>> = {
  tar: (random) => {
    const bytes = randomTar(random);
    const whole = eventsOf(bytes, bytes.length);
    const cut = eventsOf(bytes, 1 + random.int(1500));
    if (whole !== cut)
      throw new Error(`another result in chunks: ${whole.slice(-200)} and ${cut.slice(-200)}`);
    return Promise.resolve(kindOf(whole.slice(whole.lastIndexOf('\n') + 1)));
  },
  layers: async (random, around) => {
    const lower: string[] = [];
    for (let index = 0; index < 3; index++) {
      const bytes = randomTar(random);
      const outcome = await unpackOn(lower, random.chance(0.1) ? gzipSync(bytes) : bytes, index, around);
      if (outcome !== '') return kindOf(outcome);
    }
    return 'fine';
  },
  manifest: (random) =>
    document(random, manifestOf(Buffer.from(JSON.stringify(config()))), (bytes) =>
      readManifest(bytes, { name: 'web' }),
    ),
  index: (random) =>
    document(random, index(), (bytes) => readManifest(bytes, { name: 'web', type: mediaTypes.index })),
  config: (random) => document(random, config(), (bytes) => readImageConfig(bytes, 'web')),
  archive: async (random, around) => {
    const configBytes = randomJson(random, config());
    const manifest = [{ Config: 'c.json', RepoTags: ['a:1', 'b'], Layers: ['l.tar'] }];
    const files = [
      { name: 'c.json', data: configBytes },
      { name: 'l.tar', data: layer },
      { name: 'manifest.json', data: randomJson(random, manifest) },
      ...(random.chance(0.3) ? [{ name: 'repositories', data: randomJson(random, { a: { 1: 'x' } }) }] : []),
    ];
    return await load(tarOf(...files), random, around);
  },
  layout: async (random, around) => {
    const configBytes = randomJson(random, config());
    const manifestBytes = randomJson(random, manifestOf(configBytes));
    const blob = (data: Buffer): { name: string; data: Buffer } => ({
      name: `blobs/sha256/${digestOf(data).slice(7)}`,
      data,
    });
    const top = { schemaVersion: 2, manifests: [descriptor(mediaTypes.manifest, manifestBytes)] };
    const files = [
      blob(configBytes),
      blob(manifestBytes),
      blob(layer),
      { name: 'oci-layout', data: '{"imageLayoutVersion":"1.0.0"}' },
      { name: 'index.json', data: randomJson(random, top) },
    ];
    return await load(tarOf(...files), random, around);
  },
  state: async (random, { dir }) => kindOf(await fuzzState(random, dir)),
};

const layer = tarOf({ name: 'd/', type: '5' }, { name: 'd/f', data: 'x' });
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

const config = (): object => ({
  created: '2026-01-01T00:00:00Z',
  architecture,
  os: 'linux',
  config: {
    ...{
      Cmd: ['sh'],
      Env: ['A=b'],
      Entrypoint: null,
      ExposedPorts: { '80/tcp': {} },
      Labels: { a: 'b' },
      User: 'u',
    },
    ...{ Volumes: { '/v': {} }, WorkingDir: '/w', StopSignal: 'SIGINT', Healthcheck: { Test: ['CMD', 'x'] } },
  },
  rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  history: [{ created: '2026-01-01T00:00:00Z', created_by: 'x' }, { empty_layer: true }],
});

const descriptor = (mediaType: string, bytes: Buffer): object => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

const manifestOf = (bytes: Buffer): object => ({
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: descriptor(mediaTypes.config, bytes),
  layers: [descriptor(mediaTypes.layer('none'), layer)],
  annotations: { a: 'b' },
});

const index = (): object => ({
  schemaVersion: 2,
  mediaType: mediaTypes.index,
  manifests: [
    { ...descriptor(mediaTypes.manifest, layer), platform: { os: 'linux', architecture, variant: 'v1' } },
    { ...descriptor(mediaTypes.manifest, layer), platform: { os: 'linux', architecture: 'riscv64' } },
  ],
});

function document(random: Random, good: object, read: (bytes: Buffer) => unknown): Promise<string> {
  const bytes = randomJson(random, good);
  return Promise.resolve(kindOf(attempt(() => read(bytes))));
}

function eventsOf(bytes: Buffer, chunk: number): string {
  const events: string[] = [];
  let data = 0;
  const reader = new TarReader({
    entry: ({ type, path, linkpath, mode, uid, gid, mtime, size }) =>
      events.push([type, path, linkpath, mode, uid, gid, mtime, size].join(' ')),
    data: ({ length }) => (data += length),
    end: () => events.push(String(data)),
  });
  const said = attempt(() => {
    for (let at = 0; at < bytes.length; at += chunk) reader.write(bytes.subarray(at, at + chunk));
    reader.finish();
  });
  return [...events, said].join('\n');
}

async function unpackOn(
  lower: string[],
  bytes: Buffer,
  number: number,
  { dir, callsFor }: Surroundings,
): Promise<string> {
  const [blob, root, over] = ['blob', 'root', 'over'].map((name) =>
    join(dir, 'work', `${name}${String(number)}`),
  );
  if (blob === undefined || root === undefined || over === undefined) return '';
  for (const path of [root, over]) mkdirSync(path, { recursive: true });
  writeFileSync(blob, bytes);
  try {
    const report = await unpackLayer(blob, root, callsFor(root), { enterRoot: false });
    const { impliedDirs, danglingLinks } = report;
    makeOverrides(
      { kind: 'overrides', target: over, layer: root, lower, impliedDirs, danglingLinks },
      callsFor(over),
    );
    lower.push(root, over);
    return '';
  } catch (error) {
    return saidBy(error);
  }
}

async function load(archive: Buffer, random: Random, { dir, callsFor }: Surroundings): Promise<string> {
  const store = new ImageStore({
    dir: join(dir, 'work'),
    acquireLock: fileLock,
    removeTree,
    unpacker: {
      unpackLayer: async ({ blob, target, diffId }) =>
        await unpackLayer(blob, target, callsFor(target), { enterRoot: false, diffId }),
      makeOverrides: (request) => Promise.resolve(makeOverrides(request, callsFor(request.target))),
    },
  });
  const input = random.chance(0.9) ? archive : archive.subarray(0, random.int(archive.length));
  let said = '';
  try {
    await loadImages({ store, input: Readable.from([input]) });
  } catch (error) {
    said = saidBy(error);
  }
  // Whatever came in can be shown.
  for (const image of await store.list()) store.history(image);
  return kindOf(said);
}

function attempt(work: () => unknown): string {
  try {
    work();
    return '';
  } catch (error) {
    return saidBy(error);
  }
}

const longest = 2000;

/** The message of an error that is ours; any other is a defect, and goes through. */
function saidBy(error: unknown): string {
  if (!(error instanceof ImageError)) throw error;
  const { code, message, cause } = error;
  // Whatever goes wrong while unpacking gets this code; what the file system did not say is a mistake of ours.
  if (code === 'UNPACK_FAILED' && (cause as NodeJS.ErrnoException | undefined)?.code === undefined)
    throw error;
  if (/^ERR_/.test((cause as NodeJS.ErrnoException | undefined)?.code ?? '') && code === 'UNPACK_FAILED')
    throw error;
  if (message.length > longest)
    throw new Error(`a message of ${String(message.length)} characters: ${code}`, { cause: error });
  return `${code} ${message}`;
}

/** Without names, numbers and what is quoted of the input: two errors of one kind read the same. */
function kindOf(said: string): string {
  if (said === '') return 'fine';
  return said
    .replace(/"(?:[^"\\]|\\.)*"?|'[^']*'|\/[^ ]*/g, '…')
    .replace(/=.*(?=, which)/g, '=…')
    .replace(/ \(got.*/, '')
    .replace(/\[.*?\]/g, '[…]')
    .replace(/ at [^ ]+ /g, ' at … ')
    .replace(/[0-9a-f]{12,}|[+-]?\d+/g, '0')
    .slice(0, 90);
}
