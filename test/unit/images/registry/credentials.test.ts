import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCredentials } from '../../../../images/registry/credentials.ts';
import type { Credentials } from '../../../../images/registry/docker-config.ts';

const hub = 'https://index.docker.io/v1/';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'minidock-credentials-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function read(key: string, config: unknown): Promise<Credentials | undefined> {
  await writeFile(join(dir, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return await readCredentials(key, { DOCKER_CONFIG: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` });
}

async function helper(name: string, script: string): Promise<void> {
  const path = join(dir, `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\n[ "$1" = get ] || exit 9\ncat >"${dir}/asked"\n${script}\n`);
  await chmod(path, 0o755);
}

describe('the file itself', () => {
  test('nobody logged in', async () => {
    await expect(readCredentials(hub, { DOCKER_CONFIG: join(dir, 'none') })).resolves.toBeUndefined();
    await expect(read(hub, {})).resolves.toBeUndefined();
    await expect(read(hub, { auths: { 'quay.io': { auth: base64('a:b') } } })).resolves.toBeUndefined();
  });

  test.each([
    [hub, hub],
    ['quay.io', 'quay.io'],
    ['quay.io', 'https://quay.io'],
    ['localhost:5000', 'http://localhost:5000/v1/'],
  ])('the key %s is found under %s', async (key, written) => {
    await expect(read(key, { auths: { [written]: { auth: base64('ann:p:w') } } })).resolves.toEqual({
      username: 'ann',
      password: 'p:w',
    });
  });

  test('an identity token comes along', async () => {
    const auths = { 'r.example': { auth: base64('ann:'), identitytoken: 'refresh' } };
    await expect(read('r.example', { auths })).resolves.toEqual({
      username: 'ann',
      password: '',
      identityToken: 'refresh',
    });
  });

  test('is in the home directory by default', async () => {
    await expect(readCredentials(hub, { HOME: join(dir, 'nobody') })).resolves.toBeUndefined();
  });

  test.each([
    ['{', 'config.json is not JSON'],
    [{ auths: { 'r.example': { auth: base64('nocolon') } } }, 'is not base64 of NAME:PASSWORD'],
  ])('%j is refused', async (config, message) => {
    await expect(read('r.example', config)).rejects.toThrow(message);
  });
});

describe('credential programs', () => {
  test('credsStore is asked with the key on its standard input', async () => {
    await helper('store', `echo '{"ServerURL":"x","Username":"ann","Secret":"pw"}'`);
    await expect(read(hub, { credsStore: 'store', auths: { [hub]: {} } })).resolves.toEqual({
      username: 'ann',
      password: 'pw',
    });
    await expect(readFile(join(dir, 'asked'), 'utf8')).resolves.toBe(hub);
  });

  test('credHelpers is for one registry and comes before credsStore', async () => {
    await helper('one', `echo '{"Username":"<token>","Secret":"refresh"}'`);
    await helper('all', `echo '{"Username":"all","Secret":"pw"}'`);
    const config = { credsStore: 'all', credHelpers: { 'r.example': 'one' } };
    await expect(read('r.example', config)).resolves.toMatchObject({ identityToken: 'refresh' });
    await expect(read('s.example', config)).resolves.toMatchObject({ username: 'all' });
  });

  test('one that knows nothing is no error', async () => {
    await helper('store', 'echo "credentials not found in native keychain"; exit 1');
    await expect(read(hub, { credsStore: 'store' })).resolves.toBeUndefined();
  });

  test.each([
    ['echo "the vault is locked"; exit 1', 'docker-credential-store get: the vault is locked'],
    ['exit 3', 'it ended with status 3'],
    ['echo no', 'the answer of docker-credential-store get is not JSON'],
    ['echo [1]', 'the answer of docker-credential-store get is not valid: it must be an object (got a list)'],
  ])('%s is an error', async (script, message) => {
    await helper('store', script);
    await expect(read(hub, { credsStore: 'store' })).rejects.toThrow(message);
  });

  test('one whose name is a path is not started', async () => {
    await expect(read(hub, { credsStore: 'x/../store' })).rejects.toThrow('has no slash');
  });

  test('the error names one that is not installed', async () => {
    await expect(read(hub, { credsStore: 'absent' })).rejects.toThrow(
      'docker-credential-absent get: it cannot be started (ENOENT)',
    );
  });
});
