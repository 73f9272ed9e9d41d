/**
 * minidock as root of a user namespace only, which the lab's host is: no node of a device may be made in there, no rule
 * set about devices, no attribute `trusted.*`. Containers have what they have elsewhere.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createHost, type TestHost } from '../support/host.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { runProgram, type RunResult } from '../support/processes.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../dist/minidock');

let host: TestHost;
beforeAll(async () => {
  host = await createHost();
  expect(await host.minidock('lab', 'start', 'cable')).toMatchObject({ exitCode: 0 });
  const loaded = await host.run([MINIDOCK, 'lab', 'enter', 'cable', '--', 'minidock', 'load'], {
    input: await imageOfTwoLayers(),
  });
  expect(loaded).toMatchObject({ exitCode: 0, stderr: '' });
  const ids = /sha256:[0-9a-f]+/.exec(loaded.stdout)?.[0];
  await ok(`minidock tag ${ids ?? 'latest'} box`);
}, 60_000);
afterAll(async () => {
  await host.dispose();
});

const type = (line: string): Promise<RunResult> =>
  host.minidock('lab', 'enter', 'cable', '--', 'sh', '-ec', line);

async function ok(line: string): Promise<string> {
  const { exitCode, stdout, stderr } = await type(line);
  expect([line, exitCode, stderr]).toEqual([line, 0, '']);
  return stdout.trim();
}

/** The upper layer deletes a file, replaces a directory, and brings a device's node and a pipe's. */
async function imageOfTwoLayers(): Promise<Buffer> {
  const [lower, upper, layout] = ['lower', 'upper', 'layout'].map((name) => join(host.dir, name)) as [
    string,
    string,
    string,
  ];
  for (const dir of ['bin', 'etc', 'doc', 'cache', 'data', 'dev', 'tmp'])
    mkdirSync(join(lower, dir), { recursive: true });
  await runProgram(['cp', '/bin/busybox', join(lower, 'bin/busybox')]);
  for (const applet of ['sh', 'ls', 'cat', 'httpd', 'sleep', 'id', 'stat', 'mknod', 'touch', 'ping'])
    await runProgram(['ln', '-s', 'busybox', join(lower, 'bin', applet)]);
  writeFileSync(join(lower, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n');
  for (const file of ['doc/readme', 'cache/old', 'data/first']) writeFileSync(join(lower, file), `${file}\n`);
  for (const dir of ['doc', 'cache', 'data']) mkdirSync(join(upper, dir), { recursive: true });
  for (const file of ['doc/.wh.readme', 'cache/.wh..wh..opq', 'cache/new', 'data/second'])
    writeFileSync(join(upper, file), '');
  await runProgram(['mknod', join(upper, 'disk'), 'b', '8', '0']);
  await runProgram(['mkfifo', join(upper, 'pipe')]);
  const tar = async (dir: string): Promise<Buffer> => {
    const file = `${dir}.tar`;
    await runProgram(['tar', '-C', dir, '-cf', file, '.']);
    const { stdout } = await runProgram(['base64', file]);
    return Buffer.from(stdout, 'base64');
  };
  writeLayout(layout, [
    { layers: [await tar(lower), await tar(upper)], config: { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] } },
  ]);
  return tar(layout);
}

test('what a layer deletes and replaces is gone, and a device that nobody may make is left out', async () => {
  expect(
    await ok('minidock run --rm box sh -c "ls /doc /cache /data; ls -d /pipe /disk 2>/dev/null || :"'),
  ).toBe('/cache:\nnew\n\n/data:\nfirst\nsecond\n\n/doc:\n/pipe');
});

test('a directory that a container deletes and makes anew stays empty over a restart', async () => {
  await ok('minidock run --name again box sh -c "ls /data; busybox rm -r /data; busybox mkdir /data"');
  expect(await ok('minidock start -a again')).toBe('');
  await ok('minidock rm again');
});

test('the usual devices are there and work, others are not', async () => {
  const line =
    'echo x >/dev/null; busybox head -c 3 /dev/zero | busybox wc -c; busybox head -c 2 /dev/urandom | busybox wc -c; ls /dev';
  const [zero, random, ...names] = (await ok(`minidock run --rm box sh -ec '${line}'`)).split('\n');
  expect([zero, random]).toEqual(['3', '2']);
  expect(names).toEqual(expect.arrayContaining(['full', 'null', 'ptmx', 'tty', 'urandom', 'zero']));
  const made = await type('minidock run --rm --privileged box mknod /tmp/disk b 8 0');
  expect(made).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Operation not permitted') });
});

test('--device lends one under another name; to be read only is refused, since nobody could hold it to that', async () => {
  const line = 'minidock run --rm --device /dev/net/tun:/dev/tunnel box stat -c %t:%T /dev/tunnel';
  expect(await ok(line)).toBe('a:c8');
  const refused = await type('minidock run --rm --device /dev/net/tun:/dev/net/tun:r box true');
  expect(refused).toMatchObject({ exitCode: 125, stderr: expect.stringContaining('user namespace') });
  expect(await ok('minidock ps -aq')).toBe('');
});

test('a page from outside, users, limits, volumes, terminals, logs, exec and the end', async () => {
  await ok(
    'minidock run -d --name web -p 8080:80 -m 64m --pids-limit 50 -u app -v pages:/data box httpd -f -p 80 -h /data',
  );
  // What the image has at a volume's place is its beginning, as the layers together show it.
  expect(await ok('ip netns exec outside busybox wget -qO- http://203.0.113.2:8080/first')).toBe(
    'data/first',
  );
  expect(await ok('minidock exec web id -u')).toBe('1000');
  expect(await ok('minidock exec -t -u root web sh -c "tty; id -u"')).toMatch(/^\/dev\/pts\/0\r?\n0$/);
  expect(await ok('minidock exec -u root web ping -c 1 -W 2 198.51.100.7 >/dev/null && echo reached')).toBe(
    'reached',
  );
  const limit = await ok(
    'cat /sys/fs/cgroup/memory/minidock/*/memory.limit_in_bytes /sys/fs/cgroup/minidock/*/memory.max 2>/dev/null || :',
  );
  expect(limit).toBe(String(64 * 2 ** 20));
  expect(await ok('minidock run --rm -v pages:/data box cat /data/first')).toBe('data/first');
  await ok('minidock stop -t 1 web && minidock start web');
  expect(await ok('busybox wget -qO- http://203.0.113.2:8080/second && echo served')).toBe('served');
  await ok('minidock rm -f web && minidock volume rm pages');
  expect(await ok('nft list ruleset | grep 8080 || echo gone')).toBe('gone');
});

test('--explain says what is done in their place, and a script does the same', async () => {
  const told = await ok('minidock run --dry-run box true');
  expect(told).toContain('Lend /dev/null');
  expect(told).toContain('mount --bind /dev/null');
  expect(told).toContain('userxattr');
  expect(told).not.toMatch(/mknod -m|devices\.(allow|deny)/);
  await ok('minidock run --script box sh -c "echo x >/dev/null; ls /doc /cache" >/tmp/box.sh');
  expect(await ok('bash /tmp/box.sh')).toBe('/cache:\nnew\n\n/doc:');
});

test('groups that are there may send pings', async () => {
  expect(await ok('minidock run --rm box cat /proc/sys/net/ipv4/ping_group_range')).toBe('0\t65535');
});
