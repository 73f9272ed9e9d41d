import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmod, lchown, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCredentials } from '../../../../images/registry/credentials.ts';
import { login, logout } from '../../../../images/registry/login.ts';
import { FakeRegistry, refuse } from '../../../support/images/fake-registry.ts';

let dir: string;
let registry: FakeRegistry;
const env = (): Record<string, string> => ({
  DOCKER_CONFIG: dir,
  PATH: `${dir}:${process.env['PATH'] ?? ''}`,
});
const config = async (): Promise<unknown> => JSON.parse(await readFile(join(dir, 'config.json'), 'utf8'));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'minidock-login-'));
  registry = await FakeRegistry.start();
  const right = `Basic ${Buffer.from('ann:pw').toString('base64')}`;
  registry.intercept = ({ headers }, response) =>
    headers.authorization !== right &&
    refuse(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="x"' });
});
afterEach(async () => {
  await registry.close();
  await rm(dir, { recursive: true });
});

test('what was told is kept for both programs, and only for the owner to read', async () => {
  await writeFile(join(dir, 'config.json'), '{"detachKeys":"ctrl-q","auths":{"quay.io":{"auth":"eDp5"}}}');
  await login({ registry: registry.host, username: 'ann', password: 'pw', env: env() });
  await expect(readCredentials(registry.host, env())).resolves.toEqual({ username: 'ann', password: 'pw' });
  await expect(config()).resolves.toEqual({
    detachKeys: 'ctrl-q',
    auths: {
      'quay.io': { auth: 'eDp5' },
      [registry.host]: { auth: Buffer.from('ann:pw').toString('base64') },
    },
  });
  expect((await stat(join(dir, 'config.json'))).mode & 0o777).toBe(0o600);
  expect(await readdir(dir)).toEqual(['config.json']);
});

test('the wrong password is not kept', async () => {
  await expect(
    login({ registry: registry.host, username: 'ann', password: 'no', env: env() }),
  ).rejects.toThrow(`login to ${registry.host}: unauthorized: incorrect username or password`);
  expect(await readdir(dir)).toEqual([]);
});

test('out again', async () => {
  await login({ registry: registry.host, username: 'ann', password: 'pw', env: env() });
  await expect(logout(registry.host, env())).resolves.toBe(true);
  await expect(config()).resolves.toEqual({ auths: {} });
  await expect(logout(registry.host, env())).resolves.toBe(false);
});

test('a program that keeps passwords gets it instead of the file', async () => {
  const helper = join(dir, 'docker-credential-test');
  const kept = join(dir, 'kept');
  await writeFile(
    helper,
    `#!/bin/sh\ncase $1 in store) cat >"${kept}" ;; get) cat >/dev/null; cat "${kept}" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;; erase) cat >/dev/null; rm "${kept}" ;; esac\n`,
  );
  await chmod(helper, 0o755);
  await writeFile(join(dir, 'config.json'), '{"credsStore":"test"}');
  const { keptIn } = await login({ registry: registry.host, username: 'ann', password: 'pw', env: env() });
  expect(keptIn).toBe('docker-credential-test');
  expect(await readFile(join(dir, 'config.json'), 'utf8')).not.toContain('auth":');
  await expect(readCredentials(registry.host, env())).resolves.toEqual({ username: 'ann', password: 'pw' });
  await expect(logout(registry.host, env())).resolves.toBe(true);
  await expect(readCredentials(registry.host, env())).resolves.toBeUndefined();
});

test('a link of one’s own stays one; somebody else’s is not written through', async () => {
  const kept = join(dir, 'kept.json');
  const link = join(dir, 'config.json');
  await writeFile(kept, '{}');
  await symlink(kept, link);
  const request = { registry: registry.host, username: 'ann', password: 'pw', env: env() };
  await login(request);
  const before = await readFile(kept, 'utf8');
  expect(before).toContain(registry.host);
  if (process.geteuid?.() !== 0) return; // Only root may give a link away.
  await lchown(link, 54321, 54321);
  await expect(login(request)).rejects.toThrow(`through ${link}: the link belongs to uid 54321`);
  await expect(logout(registry.host, env())).rejects.toThrow('belongs to uid 54321');
  const linked = `${dir}-link`;
  await symlink(dir, linked);
  await lchown(linked, 54321, 54321);
  try {
    const there = { ...request, env: { ...env(), DOCKER_CONFIG: linked } };
    await expect(login(there)).rejects.toThrow(`through ${linked}: the link belongs to uid 54321`);
  } finally {
    await rm(linked);
  }
  await expect(readFile(kept, 'utf8')).resolves.toBe(before);
});
