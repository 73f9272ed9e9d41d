/**
 * Archives that mean something else to minidock than to the victim who looked at them: names that promise a digest,
 * documents that are two things, files that only one reader sees. And archives that only cost time.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf, type TestEntry } from '../../support/images/tar-bytes.ts';
import type { AttackCase, Stage } from '../case.ts';

const indexType = 'application/vnd.oci.image.index.v1+json';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const described = (bytes: Buffer) => ({ digest: digestOf(bytes), size: bytes.length });
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** What a container of the attacker's image prints. */
const PROOF = 'the-attacker-was-here';

/** A layer that prints the proof, with whatever else comes in further layers. */
function programLayer(): Buffer {
  const busybox = Bun.which('busybox');
  if (busybox === null) throw new Error('busybox is not installed');
  return tarOf(
    { name: 'bin', type: '5' },
    { name: 'bin/busybox', data: readFileSync(busybox), mode: 0o755 },
    ...['echo', 'cat', 'ls'].map((name) => ({ name: `bin/${name}`, type: '2', link: 'busybox' })),
  );
}

const configOf = (layers: readonly Buffer[], config: unknown): Buffer =>
  json({
    os: 'linux',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    config,
    rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
  });

/** Docker's form: a name and layers. */
function dockerArchive(name: string, layers: readonly Buffer[], config: unknown): Buffer {
  const tars = layers.map((_, i) => `${String(i)}.tar`);
  return tarOf(
    { name: 'c.json', data: configOf(layers, config) },
    ...layers.map((data, i) => ({ name: tars[i] ?? '', data })),
    { name: 'manifest.json', data: json([{ Config: 'c.json', RepoTags: [name], Layers: tars }]) },
  );
}

/** An OCI layout whose one manifest has these fields besides. */
function ociLayout(name: string, more: object): Buffer {
  const layers = [programLayer()];
  const config = configOf(layers, { Cmd: ['/bin/echo', PROOF] });
  const manifest = json({
    schemaVersion: 2,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...described(config) },
    layers: layers.map((layer) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      ...described(layer),
    })),
    ...more,
  });
  const entry = { mediaType: manifestType, ...described(manifest) };
  const annotations = { 'io.containerd.image.name': `docker.io/library/${name}:latest` };
  return tarOf(
    { name: 'index.json', data: json({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }) },
    ...[...layers, config, manifest].map((data) => ({
      name: `blobs/sha256/${digestOf(data).slice('sha256:'.length)}`,
      data,
    })),
  );
}

/** Loads it and runs `image`; evidence when the attacker's program ran. */
async function loadAndRun(
  stage: Stage,
  archive: Buffer,
  image: string,
  refusal: RegExp,
): Promise<string | undefined> {
  const path = join(stage.dir, 'archive.tar');
  writeFileSync(path, archive);
  const loaded = await stage.minidock('load', '-q', '-i', path);
  if (loaded.exitCode !== 0) {
    if (refusal.test(loaded.stderr)) return undefined;
    throw new Error(`the archive is refused for another reason: ${loaded.stderr}`);
  }
  const { stdout } = await stage.minidock('run', '--rm', '--pull', 'never', '--network', 'none', image);
  return stdout.includes(PROOF) ? `${image} runs the attacker's program` : undefined;
}

const pinned = `nginx@sha256:${'a'.repeat(64)}`;

/** Two names, or two meanings, of one document: each reader would get another image. */
const AMBIGUOUS: readonly { readonly name: string; readonly story: string; readonly more: object }[] = [
  { name: 'index-and-manifest', story: 'is a manifest and an index at once', more: { manifests: [] } },
  {
    name: 'typed-index-and-manifest',
    story: 'says it is a manifest and is an index too',
    more: { mediaType: manifestType, manifests: [] },
  },
  {
    name: 'manifest-called-index',
    story: 'is listed as a manifest and calls itself an index',
    more: { mediaType: indexType },
  },
  {
    name: 'layers-spelt-twice',
    story: 'has "layers" and "Layers", of which Go takes the last and JavaScript the first',
    more: { Layers: [] },
  },
];

const ambiguousCase = ({ name, story, more }: (typeof AMBIGUOUS)[number], i: number): AttackCase => ({
  name: `archive-${name}`,
  story: `A document of an archive ${story}, so that what was scanned is not what runs.`,
  cves: ['CVE-2021-41190'],
  short: i === 0,
  attack: async (stage) =>
    await loadAndRun(stage, ociLayout(name, more), name, /the manifest of \S+ is not valid/),
});

/** The size of this entry is no number: who reads it as 0 takes what follows for entries. */
function smuggled(): Buffer {
  const hidden = tarOf({ name: 'hidden', data: `${PROOF}\n` }).subarray(0, 1024);
  const cover: TestEntry = { name: 'cover', data: hidden, patch: { 124: 'zzzzzzzzzzz\0' } };
  return tarOf(cover);
}

/** An archive that is no image: `load` must say so soon. */
const bombCase = (name: string, story: string, archive: () => Buffer): AttackCase => ({
  name,
  story,
  attack: async (stage) => {
    const path = join(stage.dir, 'bomb.tar');
    writeFileSync(path, archive());
    const seconds = '8';
    const { exitCode } = await stage.run(['timeout', seconds, stage.binary, 'load', '-q', '-i', path]);
    if (exitCode === 0) throw new Error('the bomb is an image');
    return exitCode === 124 ? `load had not ended after ${seconds} s` : undefined;
  },
});

export const archiveCases: readonly AttackCase[] = [
  {
    name: 'archive-names-a-digest',
    story: 'An archive gives its image the name that the victim has pinned by digest.',
    short: true,
    attack: async (stage) => {
      const archive = dockerArchive(pinned, [programLayer()], { Cmd: ['/bin/echo', PROOF] });
      return await loadAndRun(stage, archive, pinned, /only a registry gives names with a digest/);
    },
  },
  ...AMBIGUOUS.map(ambiguousCase),
  {
    name: 'archive-smuggled-file',
    story: 'A layer hides a file behind a size that is no number, where a scanner does not see it.',
    attack: async (stage) => {
      const archive = dockerArchive('smuggled', [programLayer(), smuggled()], {
        Cmd: ['/bin/cat', '/hidden'],
      });
      return await loadAndRun(stage, archive, 'smuggled', /corrupt layer: a header holds an impossible size/);
    },
  },
  {
    name: 'archive-deleted-file-linked',
    story: 'A layer deletes a file and links to it all the same, so that it is back in the image.',
    attack: async (stage) => {
      const lower = tarOf({ name: 'd', type: '5' }, { name: 'd/key', data: `${PROOF}\n` });
      const upper = tarOf({ name: 'd/.wh.key' }, { name: 'h', type: '1', link: 'd/key' });
      const archive = dockerArchive('deleted', [programLayer(), lower, upper], {
        Cmd: ['/bin/cat', '/d/key'],
      });
      return await loadAndRun(stage, archive, 'deleted', /is a hard link to "d\/key", which does not exist/);
    },
  },
  {
    name: 'archive-wrong-json',
    story: 'A configuration with a number for a list makes the victim’s command end in a stack trace.',
    attack: async (stage) => {
      const path = join(stage.dir, 'wrong.tar');
      writeFileSync(path, dockerArchive('wrong', [programLayer()], { Cmd: ['/bin/echo'], Env: 5 }));
      const loaded = await stage.minidock('load', '-q', '-i', path);
      const run = await stage.minidock('run', '--rm', '--pull', 'never', 'wrong');
      return /internal error/.test(loaded.stderr + run.stderr) ? run.stderr.slice(0, 200) : undefined;
    },
  },
  bombCase('archive-sparse-bomb', 'A layer of 4 MB has a sparse file whose map takes minutes to read.', () =>
    dockerArchive(
      'bomb',
      [
        tarOf({
          name: 's',
          data: `900000\n${'1\n'.repeat(2 << 20)}`.slice(0, 4 << 20),
          pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' },
        }),
      ],
      {},
    ),
  ),
  bombCase('archive-name-bomb', 'An archive has links whose names take a second each to clean up.', () =>
    tarOf(
      ...Array<TestEntry>(20).fill({
        name: 'l',
        type: '2',
        link: 'x',
        pax: { path: `${'A'.repeat(500_000)}${'/b/..'.repeat(100_000)}` },
      }),
    ),
  ),
];
