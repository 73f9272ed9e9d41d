/** `minidock pull` from a real registry, as a user meets it: the words, the exit status, what is in the store. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createHost, OUTSIDE_ADDRESS, type TestHost } from '../../support/host/host.ts';
import { tarOf, writeLayout } from '../../support/images/oci-layout.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { startRegistry, type TestRegistry } from '../../support/images/registry.ts';

const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');
let host: TestHost;
let registry: TestRegistry;

beforeAll(async () => {
  host = await createHost();
  // A resolver that does not exist fails at once; for one that does not answer, a lookup waits.
  const resolver = join(host.dir, 'resolv.conf');
  writeFileSync(resolver, 'nameserver 127.0.0.1\n');
  await host.run(['mount', '--bind', resolver, '/etc/resolv.conf']);
  registry = await startRegistry(host);
});
afterAll(async () => {
  await host.dispose();
});

/** A root of its own for each, so that tests do not see each other's images. */
function newRoot(): string {
  const root = join(host.dir, `root-${randomBytes(4).toString('hex')}`);
  mkdirSync(root);
  return root;
}

async function minidock(
  root: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<RunResult> {
  return await host.run([MINIDOCK, ...args], { env: { MINIDOCK_ROOT: root, DOCKER_CONFIG: root, ...env } });
}

async function pull(root: string, name: string, env: Record<string, string> = {}): Promise<RunResult> {
  return await minidock(root, ['pull', '-q', name], env);
}

let layouts = 0;
function layoutOf(images: Parameters<typeof writeLayout>[1]): string {
  return writeLayout(join(host.dir, `layout-${String(layouts++)}`), images);
}

const simple = (text: string): string => layoutOf([{ layers: [tarOf('text', text), tarOf('second', text)] }]);

/** What a file of the image says, read from the unpacked layers. */
function contentOf(root: string, file: string): readonly string[] {
  const layers = join(root, 'images/layers');
  return readdirSync(layers)
    .map((layer) => join(layers, layer, 'fs', file))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'));
}

function imageCount(root: string): number {
  const index = join(root, 'images/images.json');
  return existsSync(index) ? (readFileSync(index, 'utf8').match(/"manifestDigest"/g) ?? []).length : 0;
}

function filesBelow(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('every tag', () => {
  test("-a pulls each, with Docker's words; -q says the name", async () => {
    for (const tag of ['one', 'two']) await registry.push(simple(tag), `every:${tag}`);
    const root = newRoot();
    const name = `${registry.address}/every`;
    const all = await minidock(root, ['pull', '-a', name]);
    expect(all).toMatchObject({ exitCode: 0, stderr: '' });
    expect(all.stdout.match(/^(one|two): Pulling from every$/gm)).toHaveLength(2);
    expect(all.stdout.match(/^Digest: sha256:/gm)).toHaveLength(2);
    expect(all.stdout).toMatch(
      new RegExp(`^Status: Downloaded newer image for ${name}\n${name}\n$`.replaceAll('.', '\\.'), 'm'),
    );
    expect([...contentOf(root, 'text')].sort()).toEqual(['one', 'two']);
    const tags = await minidock(root, ['images', '--format', '{{.Tag}}', name]);
    expect(tags.stdout.trim().split('\n').sort()).toEqual(['one', 'two']);
    const again = await minidock(root, ['pull', '-aq', name]);
    expect(again).toMatchObject({ exitCode: 0, stderr: '', stdout: `${name}\n` });
    const twice = await minidock(root, ['pull', '-a', name]);
    expect(twice.stdout).toContain(`Status: Image is up to date for ${name}\n`);
    const dry = await minidock(newRoot(), ['pull', '-a', '--dry-run', '--explain=short', name]);
    expect(dry.stdout.match(/Give the image the name/g)).toHaveLength(2);
  });

  test('with a tag, or of a repository that is not there', async () => {
    const root = newRoot();
    const tagged = await minidock(root, ['pull', '-a', `${registry.address}/every:one`]);
    expect(tagged.stderr).toContain("tag can't be used with --all-tags/-a");
    const absent = await minidock(root, ['pull', '-a', `${registry.address}/absent`]);
    expect(absent.stderr).toContain(
      `repository ${registry.address}/absent not found: name unknown: repository name not known to registry`,
    );
    expect([tagged.exitCode, absent.exitCode]).toEqual([1, 1]);
  });
});

describe('from an open registry on loopback', () => {
  test('first it is downloaded, then it is up to date', async () => {
    await registry.push(simple('one'), 'app:latest');
    const root = newRoot();
    const name = `${registry.address}/app`;
    const first = await minidock(root, ['pull', name]);
    expect(first.stderr).toBe('');
    expect(first.stdout).toContain('Using default tag: latest\n');
    expect(first.stdout).toMatch(/^Digest: sha256:[0-9a-f]{64}$/m);
    expect(first.stdout).toContain(`Status: Downloaded newer image for ${name}:latest\n`);
    expect(first.exitCode).toBe(0);
    expect(contentOf(root, 'text')).toEqual(['one']);
    const second = await minidock(root, ['pull', name]);
    expect(second.stdout).toContain(`Status: Image is up to date for ${name}:latest\n`);
  });

  test.each([
    ['gzip', '1f8b', 'v1+json', []],
    ['zstd', '28b5', 'v1+json', ['--dest-compress-format=zstd']],
    ["Docker's schema 2", '1f8b', 'v2+json', ['--format=v2s2']],
  ])('%s', async (kind, magic, version, options) => {
    await registry.push(simple(kind), `${magic}/${version.slice(0, 2)}:1`, ...options);
    const root = newRoot();
    const name = `${registry.address}/${magic}/${version.slice(0, 2)}:1`;
    expect(await pull(root, name)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(contentOf(root, 'text')).toEqual([kind]);
    const blobs = filesBelow(join(root, 'images/blobs/sha256')).map((path) => readFileSync(path));
    expect(blobs.filter((blob) => blob.subarray(0, 2).toString('hex') === magic)).toHaveLength(2);
    const manifest = blobs.map(String).find((text) => text.includes('"schemaVersion"'));
    expect(manifest).toMatch(
      new RegExp(`"mediaType": ?"application/vnd\\.[a-z.]+\\.manifest\\.${version.replace('+', '\\+')}"`),
    );
  });

  test('plain layers', async () => {
    await registry.push(
      layoutOf([{ layers: [tarOf('text', 'plain')], plain: true }]),
      'plain:1',
      '--preserve-digests',
    );
    const root = newRoot();
    expect(await pull(root, `${registry.address}/plain:1`)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(contentOf(root, 'text')).toEqual(['plain']);
  });

  test('an index: this platform, another one, one that is not there', async () => {
    const layout = layoutOf([
      { layers: [tarOf('text', 'arm')], platform: 'linux/arm64/v8' },
      { layers: [tarOf('text', 'amd')], platform: 'linux/amd64' },
    ]);
    await registry.push(layout, 'multi:1');
    const name = `${registry.address}/multi:1`;
    const own = newRoot();
    await pull(own, name);
    expect(contentOf(own, 'text')).toEqual([process.arch === 'arm64' ? 'arm' : 'amd']);
    const other = newRoot();
    await minidock(other, ['pull', '-q', '--platform', 'linux/arm64', name]);
    expect(contentOf(other, 'text')).toEqual(['arm']);
    const none = await minidock(other, ['pull', '-q', '--platform', 'linux/s390x', name]);
    expect(none.stderr).toContain('no matching manifest for linux/s390x in the manifest list entries');
    expect(none.exitCode).toBe(1);
  });

  test('three at once fetch everything once', async () => {
    await registry.push(layoutOf([{ layers: [tarOf('text', randomBytes(5_000_000))] }]), 'many:1');
    const root = newRoot();
    const before = registry.process.output().length;
    const results = await Promise.all([1, 2, 3].map(() => pull(root, `${registry.address}/many:1`)));
    expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(
      [0, 0, 0].map((code) => [code, '']),
    );
    expect(imageCount(root)).toBe(1);
    const log = registry.process.output().slice(before);
    expect(log.match(/"GET \/v2\/many\/blobs\//g)).toHaveLength(2);
  });
});

describe('killed midway', () => {
  test('the next pull goes on from there', async () => {
    const size = 64_000_000;
    const layout = layoutOf([{ layers: [tarOf('text', randomBytes(size))], plain: true }]);
    await registry.push(layout, 'long:1', '--preserve-digests');
    const root = newRoot();
    const partial = (): number =>
      filesBelow(join(root, 'images/blobs/partial')).reduce(
        (sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0),
        0,
      );
    const name = `${registry.address}/long:1`;
    const first = host.spawn(['env', `MINIDOCK_ROOT=${root}`, MINIDOCK, 'pull', '-q', name]);
    await host.waitFor(() => partial() > 100_000, 'the first bytes');
    // The registry holds still, so that the rest cannot arrive before the kill does.
    registry.process.kill('SIGSTOP');
    first.kill('SIGKILL');
    await first.exited;
    const kept = partial();
    registry.process.kill('SIGCONT');
    expect(kept).toBeLessThan(size);
    const before = registry.process.output().length;
    expect(await pull(root, name)).toMatchObject({ exitCode: 0, stderr: '' });
    const log = registry.process.output().slice(before);
    expect(log).toMatch(/"GET \/v2\/long\/blobs\/\S+ HTTP\/1.1" 206/);
    expect(contentOf(root, 'text')[0]?.length).toBeGreaterThan(0);
    expect(filesBelow(join(root, 'images/blobs/partial'))).toEqual([]);
  });
});

describe('what a registry says no to', () => {
  test.each([
    ['app:nope', 'manifest for HOST/app:nope not found: manifest unknown: manifest unknown'],
    ['nope', 'manifest for HOST/nope:latest not found: manifest unknown: manifest unknown'],
  ])('%s', async (name, message) => {
    await registry.push(simple('one'), 'app:latest');
    const result = await pull(newRoot(), `${registry.address}/${name}`);
    expect(result.stderr).toContain(message.replace('HOST', registry.address));
    expect(result.exitCode).toBe(1);
  });

  test('nobody is there: 1 for pull, 125 for run', async () => {
    const root = newRoot();
    const words = 'Get "http://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused';
    const pulled = await pull(root, '127.0.0.1:9/app');
    expect(pulled.stderr).toContain(words);
    expect(pulled.exitCode).toBe(1);
    const run = await minidock(root, ['run', '--rm', '127.0.0.1:9/app', 'true']);
    expect(run.stderr).toContain(words);
    expect(run.exitCode).toBe(125);
    expect(filesBelow(root).filter((path) => !path.includes('/locks/'))).toEqual([]);
  });

  test('a name in capitals', async () => {
    const result = await pull(newRoot(), 'Nginx');
    expect(result.stderr).toContain(
      'invalid reference format: repository name (library/Nginx) must be lowercase',
    );
    expect(result.exitCode).toBe(1);
  });

  test('a proxy in the environment is not for loopback', async () => {
    await registry.push(simple('one'), 'app:latest');
    const proxies = { HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
    expect(await pull(newRoot(), `${registry.address}/app`, proxies)).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  });
});

describe('blobs that are not what they should be', () => {
  function blobFile(layout: string): string {
    const dir = layout.split(':')[1] ?? '';
    const [largest = ''] = readdirSync(join(dir, 'blobs/sha256')).sort(
      (a, b) => statSync(join(dir, 'blobs/sha256', b)).size - statSync(join(dir, 'blobs/sha256', a)).size,
    );
    const data = join(host.dir, 'registry-127-0-0-1-5000/data/docker/registry/v2/blobs/sha256');
    return join(data, largest.slice(0, 2), largest, 'data');
  }

  test.each([
    [
      'of other content',
      (path: string) => writeFileSync(path, randomBytes(statSync(path).size)),
      'has the digest sha256:',
    ],
    ['cut short', (path: string) => truncateSync(path, 1000), 'the connection ended after 1000 of '],
  ])('%s', async (_what, spoil, message) => {
    const layout = layoutOf([{ layers: [tarOf('text', randomBytes(50_000))] }]);
    await registry.push(layout, 'spoilt:1', '--preserve-digests');
    spoil(blobFile(layout));
    const root = newRoot();
    const result = await pull(root, `${registry.address}/spoilt:1`);
    expect(result.stderr).toContain(message);
    expect(result.exitCode).toBe(1);
    expect(imageCount(root)).toBe(0);
    expect(filesBelow(join(root, 'images/layers'))).toEqual([]);
  });
});

test('a disk that is full', async () => {
  const root = newRoot();
  const layers = [1, 2].map(() => tarOf('text', randomBytes(6_000_000)));
  await registry.push(layoutOf([{ layers }]), 'large:1');
  await host.run(['mount', '-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', root]);
  const result = await pull(root, `${registry.address}/large:1`);
  expect(result.stderr).toContain('no space left on device');
  expect(result.exitCode).toBe(1);
  const left = await host.run(['find', join(root, 'images/layers'), join(root, 'images/images.json')]);
  expect(left.stdout).toBe('');
});

describe('with a password, over TLS', () => {
  const user = { name: 'ann', password: 'secret' };
  let guarded: TestRegistry;
  const login = (root: string, text: string): void => {
    const auth = Buffer.from(text).toString('base64');
    writeFileSync(join(root, 'config.json'), JSON.stringify({ auths: { [guarded.address]: { auth } } }));
  };

  beforeAll(async () => {
    guarded = await startRegistry(host, { address: '127.0.0.1:5443', user, tls: true });
    await guarded.push(simple('guarded'), 'app:1');
  });

  test('as the user', async () => {
    const root = newRoot();
    login(root, 'ann:secret');
    expect(await pull(root, `${guarded.address}/app:1`)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(contentOf(root, 'text')).toEqual(['guarded']);
  });

  test.each([
    ['nobody', ''],
    ['the wrong password', 'ann:wrong'],
  ])('as %s', async (_who, text) => {
    const root = newRoot();
    if (text !== '') login(root, text);
    const result = await pull(root, `${guarded.address}/app:1`);
    expect(result.stderr).toContain(
      `pull access denied for ${guarded.address}/app, repository does not exist or may require 'minidock login': unauthorized: authentication required`,
    );
    expect(result.exitCode).toBe(1);
  });
});

describe('a registry that is not on loopback', () => {
  let secure: TestRegistry;
  let clear: TestRegistry;
  beforeAll(async () => {
    secure = await startRegistry(host, { address: `${OUTSIDE_ADDRESS}:5000`, where: 'outside', tls: true });
    clear = await startRegistry(host, { address: `${OUTSIDE_ADDRESS}:5001`, where: 'outside' });
    for (const each of [secure, clear]) await each.push(simple('outside'), 'app:1');
  });

  test('by a certificate nobody vouches for', async () => {
    const result = await pull(newRoot(), `${secure.address}/app:1`);
    expect(result.stderr).toContain(
      'tls: failed to verify certificate: certificate signed by unknown authority',
    );
    expect(result.stderr).toContain('NODE_EXTRA_CA_CERTS');
    expect(result.exitCode).toBe(1);
  });

  test('whose authority is given', async () => {
    const env = { NODE_EXTRA_CA_CERTS: secure.caFile };
    expect(await pull(newRoot(), `${secure.address}/app:1`, env)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('in the clear is refused', async () => {
    const result = await pull(newRoot(), `${clear.address}/app:1`);
    expect(result.stderr).toContain('http: server gave HTTP response to HTTPS client');
    expect(result.stderr).toContain(
      `${clear.address} is meant to be reached without TLS, name it in MINIDOCK_INSECURE_REGISTRIES`,
    );
    expect(result.exitCode).toBe(1);
  });

  test.each(['192.0.2.1', '192.0.2.1:5000,192.0.2.1:5001', '192.0.2.0/24'])(
    'named as insecure: %s',
    async (names) => {
      const env = { MINIDOCK_INSECURE_REGISTRIES: names };
      for (const each of [secure, clear]) {
        expect(await pull(newRoot(), `${each.address}/app:1`, env)).toMatchObject({
          exitCode: 0,
          stderr: '',
        });
      }
    },
  );
});

test('interrupted by Ctrl-C, in so many words', async () => {
  const script = `require('net').createServer((socket) => socket.pipe(process.stdout)).listen(5999, '127.0.0.1', () => console.log('listening'))`;
  const mute = host.spawn(['node', '-e', script]);
  await mute.waitForOutput(/listening/);
  const pulling = host.spawn(['env', `MINIDOCK_ROOT=${newRoot()}`, MINIDOCK, 'pull', '127.0.0.1:5999/app']);
  await mute.waitForOutput(/GET \/v2\//);
  pulling.kill('SIGINT');
  expect(await pulling.exited).toBe(130);
  expect(pulling.output()).toMatch(/\nminidock: the pull was interrupted\n/);
  mute.kill();
});

describe('a mirror of docker.io', () => {
  const env = (): Record<string, string> => ({ MINIDOCK_REGISTRY_MIRROR: `http://${registry.address}` });

  test('has it', async () => {
    await registry.push(simple('mirrored'), 'library/mirrored:latest');
    const root = newRoot();
    expect(await pull(root, 'mirrored', env())).toMatchObject({ exitCode: 0, stderr: '' });
    expect(contentOf(root, 'text')).toEqual(['mirrored']);
  });

  test('has it not: docker.io itself is asked', async () => {
    const result = await pull(newRoot(), 'absent', env());
    expect(result.stderr).toContain('Get "https://registry-1.docker.io/v2/library/absent/manifests/latest"');
    expect(result.exitCode).toBe(1);
  });
});
