/**
 * The example application (images/demo/app) in plain docker lines, with minidock under the name `docker`: two networks,
 * names, a health check, a named volume, restart policies, and a reboot that is simulated as in boot.test.ts.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine({ keep: true });
const { minidock, ok } = engine;
const app = resolve(import.meta.dirname, '../../../images/demo/app');
const binary = resolve(import.meta.dirname, '../../../dist/minidock');

/** The script as it is, with a directory in front of PATH in which `docker` is minidock. */
const underAlias = (script: string, ...args: readonly string[]): Promise<unknown> =>
  succeed(
    engine.host.run([
      ...[
        'bash',
        '-euc',
        'mkdir -p /run/alias; ln -sf "$1" /run/alias/docker; PATH=/run/alias:$PATH; exec "${@:2}"',
      ],
      ...['bash', binary, join(app, script), ...args],
    ]),
  );
const page = async (): Promise<string> =>
  (await engine.host.outside(['curl', '-s', '-m', '2', `http://${HOST_ADDRESS}:8080/cgi-bin/page`])).stdout;
const health = (): Promise<string> => ok('inspect', '-f', '{{.State.Health.Status}}', 'db');

beforeAll(async () => void (await underAlias('up', 'test')));

test('the page comes from the database, through the API, by name', async () => {
  await engine.host.waitFor(async () => (await page()) === 'first row\n', 'the page');
  await engine.host.waitFor(async () => (await health()) === 'healthy', 'the health check');
  expect(await ok('ps', '--filter', 'health=healthy', '--format', '{{.Names}}')).toBe('db');
});

test('the database cannot be reached from the front, and has no way out', async () => {
  expect((await minidock('exec', 'web', 'nc', '-w', '1', 'db', '5432')).exitCode).not.toBe(0);
  expect((await minidock('exec', 'db', 'ping', '-c', '1', '-W', '1', HOST_ADDRESS)).exitCode).not.toBe(0);
});

test('what a program writes outlives it; a part that is killed comes back', async () => {
  await ok('exec', 'db', 'sh', '-c', 'echo "second row" >>/rows/rows');
  await succeed(engine.host.run(['kill', '-KILL', await ok('inspect', '-f', '{{.State.Pid}}', 'api')]));
  await engine.host.waitFor(async () => (await page()) === 'first row\nsecond row\n', 'the page');
});

test('it survives a reboot', async () => {
  const containers = join(engine.host.root, 'containers');
  for (const id of readdirSync(containers)) {
    const path = join(containers, id, 'state.json');
    const state = JSON.parse(readFileSync(path, 'utf8')) as { shimPid: number; pid: number };
    for (const pid of [state.shimPid, state.pid]) await engine.host.run(['kill', '-KILL', String(pid)]);
    writeFileSync(path, JSON.stringify({ ...state, bootId: 'before' }));
  }
  expect((await ok('system', 'boot')).split('\n').sort()).toEqual(['api', 'db', 'web']);
  await engine.host.waitFor(async () => (await page()) === 'first row\nsecond row\n', 'the page');
  await engine.host.waitFor(async () => (await health()) === 'healthy', 'the health check');
});

test('down removes all of it', async () => {
  await underAlias('down');
  expect(await ok('ps', '-aq')).toBe('');
  expect(await ok('volume', 'ls', '-q')).toBe('');
  expect(await ok('network', 'ls', '--format', '{{.Name}}')).toBe('bridge\nhost\nnone');
});
