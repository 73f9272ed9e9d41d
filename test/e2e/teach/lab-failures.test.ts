/** Labs that cannot be made, or were not taken away: what is said, and that nothing stays. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHost, type TestHost } from '../../support/host/host.ts';
import type { HostSnapshot } from '../../support/host/host-snapshot.ts';

const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');

let host: TestHost;
let before: HostSnapshot;
beforeAll(async () => {
  host = await createHost();
  before = await host.snapshot();
});
afterAll(async () => {
  await host.dispose();
});

async function expectNothingLeft(): Promise<void> {
  expect(await host.snapshot()).toEqual(before);
  expect(existsSync(join(host.runDir, 'lab/cable'))).toBe(false);
}

/** All programs of this machine but one. */
function pathWithout(missing: string): string {
  const bin = join(host.dir, `without-${missing}`);
  mkdirSync(bin);
  for (const dir of (process.env['PATH'] ?? '').split(':').filter((one) => existsSync(one))) {
    for (const name of readdirSync(dir)) {
      if (name !== missing && !existsSync(join(bin, name))) {
        rmSync(join(bin, name), { force: true });
        symlinkSync(join(dir, name), join(bin, name));
      }
    }
  }
  return bin;
}

test.each([
  ['findmnt', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['bash', 'bash'],
])('without %s: which package brings it', async (program, name) => {
  const path = pathWithout(program);
  expect(await host.run(['env', `PATH=${path}`, MINIDOCK, 'lab', 'start', 'cable'])).toMatchObject({
    exitCode: 125,
    stderr: `minidock: ${program}: command not found\nInstall the package '${name}' and try again.\n`,
  });
  await expectNothingLeft();
});

/** A user namespace of this test's own with all ids, so that the limit is its alone. */
const ALL_IDS = ['unshare', '--user', '--map-users=0:0:4294967295', '--map-groups=0:0:4294967295'];

test('no more user namespaces: the limit is named, since the kernel speaks of space', async () => {
  const line = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$0" lab start cable';
  expect(
    await host.run([...ALL_IDS, '--setuid=0', '--setgid=0', '--mount', 'sh', '-ec', line, MINIDOCK]),
  ).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('user.max_user_namespaces') });
  await expectNothingLeft();
});

test('in a user namespace without a lab’s ids it says so', async () => {
  expect(
    await host.run(['unshare', '--user', '--map-root-user', '--mount', MINIDOCK, 'lab', 'start', 'cable']),
  ).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('start minidock as root of the machine') });
  await expectNothingLeft();
});

test('without control groups', async () => {
  const bare = await createHost({ cgroup: 'none' });
  const started = await bare.minidock('lab', 'start', 'cable');
  const left = existsSync(join(bare.runDir, 'lab/cable'));
  await bare.dispose();
  expect(started).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('no control groups are mounted'),
  });
  expect(left).toBe(false);
});

test('directories with blanks in their names', async () => {
  const env = { MINIDOCK_RUN: join(host.dir, 'a run'), MINIDOCK_ROOT: join(host.dir, 'a root') };
  expect(await host.run([MINIDOCK, 'lab', 'start', 'cable'], { env })).toMatchObject({ exitCode: 0 });
  expect(await host.run([MINIDOCK, 'lab', 'end', 'cable'], { env })).toMatchObject({ exitCode: 0 });
  await expectNothingLeft();
});

test('of a lab whose keeper was killed doctor tells, and --fix takes it away', async () => {
  expect(await host.minidock('lab', 'start', 'cable')).toMatchObject({ exitCode: 0 });
  const dir = join(host.runDir, 'lab/cable');
  process.kill(Number(readFileSync(join(dir, 'keeper'), 'utf8')), 'SIGKILL');
  await host.waitFor(
    async () => !(await host.minidock('lab', 'list')).stdout.includes('(running)'),
    'its end',
  );
  const told = await host.minidock('doctor');
  expect(told.stdout).toContain('the lab cable has ended but was not cleaned up');
  expect(told.stdout).toContain(`rm -r ${dir}`);
  expect(await host.minidock('doctor', '--fix')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^repaired .*the lab cable/),
  });
  await expectNothingLeft();
});
