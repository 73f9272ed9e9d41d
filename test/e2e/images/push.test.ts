/** `minidock push` to a real registry, as a user meets it: Docker's words, what arrives, what is not sent again. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { tarOf, writeLayout } from '../../support/images/oci-layout.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { startRegistry, type TestRegistry } from '../../support/images/registry.ts';

const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');
let host: TestHost;
let registry: TestRegistry;
let locked: TestRegistry;

beforeAll(async () => {
  host = await createHost();
  registry = await startRegistry(host);
  locked = await startRegistry(host, {
    address: '127.0.0.1:5001',
    user: { name: 'me', password: 'secret' },
  });
});
afterAll(async () => {
  await host.dispose();
});

function newRoot(): string {
  const root = join(host.dir, `root-${randomBytes(4).toString('hex')}`);
  mkdirSync(root);
  return root;
}

async function minidock(root: string, ...args: readonly string[]): Promise<RunResult> {
  return await host.run([MINIDOCK, ...args], { env: { MINIDOCK_ROOT: root, DOCKER_CONFIG: root } });
}

async function ok(root: string, ...args: readonly string[]): Promise<string> {
  const result = await minidock(root, ...args);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  return result.stdout;
}

/** A root with an image of one plain layer, imported under these names. */
async function imported(text: string, ...names: readonly string[]): Promise<string> {
  const root = newRoot();
  const file = join(root, 'image.tar');
  writeFileSync(file, tarOf('text', text));
  const [first = '', ...more] = names;
  await ok(root, 'import', file, first);
  for (const name of more) await ok(root, 'tag', first, name);
  return root;
}

const layerOf = async (root: string, name: string): Promise<string> =>
  (await ok(root, 'image', 'inspect', '-f', '{{index .RootFS.Layers 0}}', name)).slice(7, 19);

const filesIn = (root: string, name: string, ...words: readonly string[]): Promise<RunResult> =>
  host.run(['skopeo', '--insecure-policy', 'inspect', '--tls-verify=false', ...words, `docker://${name}`], {
    env: { HOME: root },
  });

describe('an image of one layer', () => {
  test("Docker's lines; then it exists; then it is mounted; and it comes back", async () => {
    const name = `${registry.address}/words:1`;
    const other = `${registry.address}/words/other:2`;
    const root = await imported('words', name, other);
    const layer = await layerOf(root, name);
    const lines = (...middle: string[]): RegExp =>
      new RegExp(
        `^The push refers to repository \\[${middle.shift() ?? ''}\\]\n${layer}: Preparing\n${layer}: ${middle.join('')}\n` +
          '[12]: digest: sha256:[0-9a-f]{64} size: [0-9]+\n$',
      );
    const first = await ok(root, 'push', name);
    expect(first).toMatch(lines(`${registry.address}/words`, 'Pushed'));
    expect(await ok(root, 'push', name)).toBe(first.replace('Pushed', 'Layer already exists'));
    expect(await ok(root, 'push', other)).toMatch(
      lines(`${registry.address}/words/other`, 'Mounted from words'),
    );
    const digest = /sha256:\w+/.exec(first)?.[0] ?? '';
    expect(await ok(root, 'images', '--digests', '--format', '{{.Digest}}', name)).toBe(`${digest}\n`);

    const back = newRoot();
    expect(await ok(back, 'pull', other)).toContain(`Digest: ${digest}\n`);
    expect(await ok(back, 'images', '-q', '--no-trunc')).toBe(
      (await ok(root, 'images', '-q', '--no-trunc')).split('\n')[0] + '\n',
    );
    const seen = await filesIn(root, name);
    expect(JSON.parse(seen.stdout)).toMatchObject({ Digest: digest, Architecture: 'amd64', Os: 'linux' });
    const raw = await filesIn(root, name, '--raw');
    expect(JSON.parse(raw.stdout)).toMatchObject({
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
    });
    expect(Buffer.byteLength(raw.stdout)).toBe(Number(/size: (\d+)/.exec(first)?.[1]));
  });

  test('-q prints the name, -a pushes each tag', async () => {
    const repository = `${registry.address}/several`;
    const root = await imported('several', `${repository}:b`, `${repository}:a`);
    expect(await ok(root, 'push', '-q', `${repository}:a`)).toBe(`${repository}:a\n`);
    expect((await ok(root, 'push', '-a', repository)).match(/^\w: digest/gm)).toEqual([
      'a: digest',
      'b: digest',
    ]);
    expect(await ok(root, 'push', '-aq', repository)).toBe(`${repository}\n`);
    const words = ['--since', '1', '--until', '0s', '--filter', 'event=push'];
    const told = await ok(
      root,
      'events',
      ...words,
      '--format',
      '{{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}',
    );
    const pushed = ['a', 'a', 'b', 'a', 'b'].map((tag) => `push ${repository}:${tag} ${repository}`);
    // The log is the host's, and other tests push as well.
    expect(told.split('\n').filter((line) => line.includes('/several'))).toEqual(pushed);
  });
});

test('a pulled image keeps its digest in another registry, and its zstd layers', async () => {
  const layout = writeLayout(join(host.dir, 'zstd'), [{ layers: [tarOf('text', 'z'), tarOf('more', 'z')] }]);
  await registry.push(layout, 'zstd:1', '--dest-compress-format=zstd');
  const root = newRoot();
  const name = `${registry.address}/zstd:1`;
  const digest = /Digest: (\S+)/.exec(await ok(root, 'pull', name))?.[1];
  const copy = `${registry.address}/zstd/copy:1`;
  await ok(root, 'tag', name, copy);
  expect(await ok(root, 'push', copy)).toContain(`1: digest: ${digest} size: `);
  const raw = await filesIn(root, copy, '--raw');
  expect(raw.stdout).toContain('application/vnd.oci.image.layer.v1.tar+zstd');
});

test('with a password', async () => {
  const name = `${locked.address}/app:1`;
  const root = await imported('locked', name);
  const refused = await minidock(root, 'push', name);
  expect(refused.stderr).toBe(
    `minidock: no basic auth credentials\nminidock login ${locked.address} as a user who may push to ${locked.address}/app\n`,
  );
  expect(refused.exitCode).toBe(1);
  const login = [MINIDOCK, 'login', '-u', 'me', '--password-stdin', locked.address];
  await host.run(login, { env: { MINIDOCK_ROOT: root, DOCKER_CONFIG: root }, input: 'secret' });
  expect(await ok(root, 'push', name)).toContain(': Pushed\n');
  expect(readFileSync(join(root, 'config.json'), 'utf8')).toContain(locked.address);
});

interface Told {
  readonly id: string;
  readonly command: string;
  readonly outcome?: string;
}
const told = (text: string): readonly Told[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Told);

const below = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

describe('--explain and --dry-run', () => {
  test('a dry run sends nothing; its commands, pasted, push the same; the push tells the same steps', async () => {
    const from = writeLayout(join(host.dir, 'told'), [{ layers: [tarOf('a', '1'), tarOf('b', '2')] }]);
    await registry.push(from, 'told:1');
    const root = newRoot();
    const [name, byHand, copy] = ['told:1', 'by-hand:1', 'copy:1'].map((one) => `${registry.address}/${one}`);
    if (name === undefined || byHand === undefined || copy === undefined) throw new Error('no names');
    await ok(root, 'pull', '-q', name);
    for (const one of [byHand, copy]) await ok(root, 'tag', name, one);
    const before = below(root);
    const planned = told(await ok(root, 'push', '--dry-run', '--explain=json', byHand));
    expect(below(root)).toEqual(before);
    expect((await filesIn(root, byHand)).exitCode).not.toBe(0);
    expect(planned.map(({ id }) => id.replace(/:.*/, ''))).toEqual([
      ...['registry.ping', 'layer.push', 'layer.push', 'config.push', 'manifest.push', 'image.note'],
    ]);
    const commands = planned.filter(({ id }) => id !== 'image.note').map(({ command }) => command);
    const pasted = await host.run(['bash', '-c', ['set -e', ...commands].join('\n')]);
    expect([pasted.exitCode, pasted.stderr]).toEqual([0, '']);
    const raw = await filesIn(root, byHand, '--raw');
    expect(raw.stdout).toBe((await filesIn(root, name, '--raw')).stdout);

    const done = await minidock(root, 'push', '--explain=json', copy);
    expect(told(done.stderr).map(({ command }) => command)).toEqual(
      told(await ok(root, 'push', '--dry-run', '--explain=json', copy)).map(({ command }) => command),
    );
    expect(told(done.stderr).map(({ outcome }) => outcome)).toEqual(planned.map(() => 'done'));
    const again = await ok(root, 'push', '--dry-run', '--explain=short', copy);
    expect(again.match(/ there /g)).toHaveLength(3);
  });

  test('of a plain layer the archive is compressed first', async () => {
    const name = `${registry.address}/plain:1`;
    const root = await imported('plain', name);
    const steps = told(await ok(root, 'push', '--dry-run', '--explain=json', name));
    const layer = steps.filter(({ id }) => id.startsWith('layer.')).map(({ command }) => command);
    mkdirSync(join(root, 'images/blobs/partial'), { recursive: true });
    const pasted = await host.run(['bash', '-c', ['set -e', ...layer].join('\n')]);
    expect([layer.length, pasted.exitCode, pasted.stderr]).toEqual([2, 0, '']);
  });
});

describe("refused, in Docker's words", () => {
  test.each([
    ['a tag that is not here', ['app:nope'], 'tag does not exist: REGISTRY/app:nope'],
    [
      'a repository that is not here',
      ['absent:1'],
      'An image does not exist locally with the tag: REGISTRY/absent',
    ],
    ['a digest', [`app@sha256:${'0'.repeat(64)}`], 'cannot push a digest reference'],
    ['a tag beside -a', ['-a', 'app:1'], "tag can't be used with --all-tags/-a"],
    [
      'another platform',
      ['--platform', 'linux/s390x', 'app:1'],
      'image with reference REGISTRY/app:1 was found but its platform',
    ],
  ])('%s', async (_, args, message) => {
    const root = await imported('refused', `${registry.address}/app:1`);
    const words = args.map((word) => (/^(-|linux)/.test(word) ? word : `${registry.address}/${word}`));
    const result = await minidock(root, 'push', ...words);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(message.replace('REGISTRY', registry.address));
  });

  test('nobody listens there', async () => {
    const root = await imported('nobody', '127.0.0.1:5999/app:1');
    const result = await minidock(root, 'push', '127.0.0.1:5999/app:1');
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('dial tcp 127.0.0.1:5999: connect: connection refused');
  });
});

test.each(['layer.compress', 'layer.push', 'config.push', 'manifest.push', 'image.note'])(
  'that fails at %s, or is killed there: nothing is left here, and the next one pushes it whole',
  async (step) => {
    const name = `${registry.address}/${step.replace('.', '-')}:1`;
    const root = await imported(step, name);
    const id = step.startsWith('layer') ? `${step}:${await layerOf(root, name)}` : step;
    const push = (failAt: string): Promise<RunResult> =>
      host.run([MINIDOCK, 'push', name], {
        env: { MINIDOCK_ROOT: root, DOCKER_CONFIG: root, MINIDOCK_FAIL_AT: failAt },
      });
    const failed = await push(id);
    expect([failed.exitCode, failed.stderr]).toEqual([125, expect.stringContaining(`step ${id} (`)]);
    expect(readdirSync(join(root, 'images/blobs/partial'))).toEqual([]);
    const there = await filesIn(root, name);
    // The note is about this machine alone.
    expect(there.exitCode === 0).toBe(step === 'image.note');
    expect((await push(`kill:${id}`)).exitCode).not.toBe(0);
    expect(await ok(root, 'push', '-q', name)).toBe(`${name}\n`);
    expect(readdirSync(join(root, 'images/blobs/partial'))).toEqual([]);
    await ok(root, 'rmi', name);
    await ok(root, 'pull', '-q', name);
  },
);
