/** `manifest inspect` and `search`: questions to a registry that leave nothing here, in docker 26.1's form. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { tarOf, writeLayout } from '../../support/images/oci-layout.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { startRegistry, type TestRegistry } from '../../support/images/registry.ts';

const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');
let host: TestHost;
let registry: TestRegistry;

beforeAll(async () => {
  host = await createHost();
  registry = await startRegistry(host);
});
afterAll(async () => {
  await host.dispose();
});

const minidock = (...args: readonly string[]): Promise<RunResult> =>
  host.run([MINIDOCK, ...args], { env: { DOCKER_CONFIG: host.dir } });

async function rawOf(name: string): Promise<string> {
  const { stdout } = await host.run(
    [...['skopeo', '--insecure-policy', 'inspect', '--raw'], '--tls-verify=false', `docker://${name}`],
    { env: { HOME: host.dir } },
  );
  return stdout;
}

describe('manifest inspect', () => {
  test("Docker's own manifest, indented by tabs; with -v its descriptor and its bytes", async () => {
    const layers = [tarOf('a', '1')];
    await registry.push(writeLayout(join(host.dir, 'one'), [{ layers }]), 'one:1', '--format=v2s2');
    const name = `${registry.address}/one:1`;
    const raw = await rawOf(name);
    const plain = await minidock('manifest', 'inspect', name);
    expect(plain).toMatchObject({ exitCode: 0, stderr: '' });
    expect(plain.stdout).toBe(`${JSON.stringify(JSON.parse(raw), undefined, '\t')}\n`);
    const verbose = await minidock('manifest', 'inspect', '-v', '--insecure', name);
    expect(verbose).toMatchObject({ exitCode: 0, stderr: '' });
    const digest = (await host.run(['sh', '-c', 'printf %s "$RAW" | sha256sum'], { env: { RAW: raw } }))
      .stdout;
    expect(verbose.stdout).toBe(
      `${JSON.stringify(
        {
          Ref: name,
          Descriptor: {
            mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
            digest: `sha256:${digest.slice(0, 64)}`,
            size: Buffer.byteLength(raw),
            platform: { architecture: 'amd64', os: 'linux' },
          },
          Raw: Buffer.from(raw).toString('base64'),
          SchemaV2Manifest: JSON.parse(raw) as unknown,
        },
        undefined,
        '\t',
      )}\n`,
    );
    expect(existsSync(join(host.root, 'images'))).toBe(false);
  });

  test('an index, indented by three spaces; with -v each of its manifests', async () => {
    const images = ['linux/amd64', 'linux/arm64/v8'].map((platform) => ({
      layers: [tarOf('a', platform)],
      platform,
    }));
    await registry.push(writeLayout(join(host.dir, 'multi'), images), 'multi:1');
    const name = `${registry.address}/multi:1`;
    const { stdout } = await minidock('manifest', 'inspect', name);
    expect(stdout).toMatch(
      /^\{\n {3}"schemaVersion": 2,\n {3}"mediaType": "application\/vnd\.oci\.image\.index/,
    );
    const { manifests } = JSON.parse(stdout) as {
      manifests: readonly { platform: object; digest: string }[];
    };
    expect(manifests.map(({ platform }) => platform)).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux', variant: 'v8' },
    ]);
    const verbose = await minidock('manifest', 'inspect', '-v', name);
    const details = JSON.parse(verbose.stdout) as readonly {
      Descriptor: { digest: string };
      OCIManifest: object;
    }[];
    expect(details.map(({ Descriptor }) => Descriptor.digest)).toEqual(manifests.map(({ digest }) => digest));
    for (const { OCIManifest } of details) expect(OCIManifest).toHaveProperty('layers');
  });

  test('what is not there', async () => {
    const result = await minidock('manifest', 'inspect', `${registry.address}/one:nope`);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(`minidock: no such manifest: ${registry.address}/one:nope\n`);
  });
});

describe('search', () => {
  test.each([
    [['--limit', '200', 'x'], 'limit 200 is outside the range of [1, 100]', 1],
    [['--limit', 'x', 'x'], 'invalid argument "x" for "--limit" flag', 125],
    [['--filter', 'x=1', 'x'], "invalid filter 'x'", 1],
    [['--filter', 'stars=x', 'x'], `invalid filter 'stars=x': strconv.Atoi: parsing "x": invalid syntax`, 1],
    [['--filter', 'is-official=x', 'x'], "invalid filter 'is-official=[x]'", 1],
    [[], 'requires exactly 1 argument', 1],
  ])('%j', async (args, message, status) => {
    const result = await minidock('search', ...args);
    expect(result.stderr).toContain(message);
    expect(result.exitCode).toBe(status);
  });

  test('a registry without a search', async () => {
    const result = await minidock('search', `${registry.address}/web`);
    expect(result.stderr).toContain('minidock: Unexpected status code 404\n');
    expect(result.exitCode).toBe(1);
  });

  test('the rows of one that has it, as Docker prints them', async () => {
    const server = `
      require('node:http').createServer((request, response) => {
        const url = new URL(request.url, 'http://x');
        if (url.pathname === '/v2/') return response.end('{}');
        response.end(JSON.stringify({ results: [
          { name: 'few', description: 'a\\nb', star_count: 1, is_official: false, is_automated: false },
          { name: 'many', description: 'x'.repeat(60), star_count: 30, is_official: true, is_automated: false },
          { name: url.search, description: null, star_count: 2, is_official: false, is_automated: false },
        ] }));
      }).listen(5005, '127.0.0.1', () => console.log('ready'));`;
    const process = host.spawn(['node', '-e', server]);
    await process.waitForOutput(/ready/);
    const { stdout } = await minidock('search', '127.0.0.1:5005/a b');
    expect(stdout.split('\n')).toEqual([
      'NAME          DESCRIPTION                                     STARS     OFFICIAL',
      `few           a b${' '.repeat(42)}   1         `,
      `many          ${'x'.repeat(44)}…   30        [OK]`,
      `?q=a+b&n=25   ${' '.repeat(45)}   2         `,
      '',
    ]);
    const json = await minidock('search', '--format', 'json', '--limit', '-1', '127.0.0.1:5005/x');
    expect(json.stdout.split('\n')[2]).toBe(
      '{"Description":"","IsAutomated":"false","IsOfficial":"false","Name":"?q=x\\u0026n=25","StarCount":"2"}',
    );
    const words = [
      '--filter',
      'stars=2',
      '--limit',
      '3',
      '--format',
      '{{.Name}} {{.IsOfficial}}',
      '127.0.0.1:5005/x',
    ];
    expect((await minidock('search', ...words)).stdout).toBe('many [OK]\n?q=x&n=3 \n');
    expect((await minidock('search', '--no-trunc', '127.0.0.1:5005/x')).stdout).toContain('x'.repeat(60));
  });
});
