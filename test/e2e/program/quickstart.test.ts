/**
 * scripts/quickstart as a new user runs it, in a throw-away host whose /usr/local/bin, checkout and /var are layers of
 * its own, so that nothing it installs changes what the other tests run on: the page is served, a second run replaces the first, a taken port is said and another one used.
 */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHost, HOST_ADDRESS, type TestHost } from '../../support/host/host.ts';
import type { RunResult } from '../../support/host/processes.ts';

const top = resolve(import.meta.dirname, '../../..');
let host: TestHost;

beforeAll(async () => {
  host = await createHost();
  for (const place of ['/usr/local/bin', top]) {
    const layers = ['upper', 'work'].map((name) => join(host.dir, basename(place), name));
    for (const layer of layers) mkdirSync(layer, { recursive: true });
    const options = `lowerdir=${place},upperdir=${layers[0]},workdir=${layers[1]}`;
    const mounted = await host.run(['mount', '-t', 'overlay', 'overlay', '-o', options, place]);
    expect(mounted.stderr).toBe('');
  }
});
afterAll(() => host.dispose());

const quickstart = (): Promise<RunResult> =>
  host.run([join(top, 'scripts/quickstart')], { timeout: 120_000, cwd: '/' });
const page = async (port: number): Promise<string> =>
  (await host.outside(['curl', '-s', '-m', '5', `http://${HOST_ADDRESS}:${port}/`])).stdout;

test('one command from a checkout to a page, and once more', async () => {
  const first = await quickstart();
  expect(first).toMatchObject({ exitCode: 0 });
  expect(first.stdout).toContain('http://localhost:8080/');
  expect(first.stdout).toContain(`http://${HOST_ADDRESS}:8080/`);
  expect(await page(8080)).toMatch(/^Hello from container [0-9a-f]{12}\n/);
  // What it suggests to try must work.
  const suggested = [...first.stdout.matchAll(/^ {2}(minidock .*?)(?: {3,}|$)/gm)].map(
    (match) => match[1] ?? '',
  );
  expect(suggested).toHaveLength(3);
  expect(await host.run(['bash', '-c', suggested[1] ?? ''])).toMatchObject({ exitCode: 0 });

  const second = await quickstart();
  expect(second).toMatchObject({ exitCode: 0 });
  expect(second.stdout).toContain('Replacing the container web of an earlier run.');
  expect(await page(8080)).toMatch(/^Hello from container [0-9a-f]{12}\n/);

  expect(await host.run(['bash', '-c', suggested[2] ?? ''])).toMatchObject({ exitCode: 0 });
  expect(await page(8080)).toBe('');
}, 240_000);

test('a taken port is said, and the next free one used', async () => {
  await host.minidock('rm', '-f', 'web');
  const other = host.spawn(['busybox', 'httpd', '-f', '-p', '8080', '-h', host.dir]);
  await host.waitFor(
    async () => (await host.run(['curl', '-s', 'http://127.0.0.1:8080/'])).exitCode === 0,
    'the other server',
  );
  const { exitCode, stdout } = await quickstart();
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`Port 8080 is taken by "busybox" (process ${other.pid}).`);
  expect(stdout).toContain('Using 8081 instead.');
  expect(await page(8081)).toMatch(/^Hello from container [0-9a-f]{12}\n/);
}, 120_000);

test("someone else's container called web is left alone", async () => {
  await host.minidock('rm', '-f', 'web');
  await host.minidock('tag', 'demo/web', 'other/image');
  expect(await host.minidock('run', '-d', '--name', 'web', 'other/image')).toMatchObject({ exitCode: 0 });
  const { exitCode, stdout } = await quickstart();
  expect(exitCode).toBe(0);
  expect(stdout).toContain('There is a container called web already, made from other/image; it stays');
  const { stdout: running } = await host.minidock('ps', '--format', '{{.Names}} {{.Image}}');
  expect(running.split('\n').filter(Boolean).sort()).toEqual(['minidock-web demo/web', 'web other/image']);
}, 120_000);

test('without root it says so and does nothing', async () => {
  // A copy, since the checkout may be where only root may look.
  const copy = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  try {
    cpSync(join(top, 'scripts'), join(copy, 'scripts'), { recursive: true });
    chmodSync(copy, 0o755);
    const { exitCode, stderr, stdout } = await host.run([
      ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
      join(copy, 'scripts/quickstart'),
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('takes root');
  } finally {
    rmSync(copy, { recursive: true });
  }
});
