/**
 * minidock as root of a user namespace only, which the lab's host is: no node of a device may be made in there, no rule
 * set about devices, no attribute `trusted.*`. Containers have what they have elsewhere.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { writeLayout } from '../../support/images/oci-layout.ts';
import { runProgram, type RunResult } from '../../support/host/processes.ts';
import { tarOf } from '../../support/images/tar-bytes.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');

let host: TestHost;
beforeAll(async () => {
  host = await createHost();
  expect(await host.minidock('lab', 'start', 'cable')).toMatchObject({ exitCode: 0 });
  const loaded = await load(await imageOfLayers());
  expect(loaded).toMatchObject({ exitCode: 0, stderr: '' });
  const ids = /sha256:[0-9a-f]+/.exec(loaded.stdout)?.[0];
  await ok(`minidock tag ${ids ?? 'latest'} box`);
}, 60_000);
afterAll(async () => {
  await host.dispose();
});

const load = (input: Buffer): Promise<RunResult> =>
  host.run([MINIDOCK, 'lab', 'enter', 'cable', '--', 'minidock', 'load'], { input });

const type = (line: string): Promise<RunResult> =>
  host.minidock('lab', 'enter', 'cable', '--', 'sh', '-ec', line);

async function ok(line: string): Promise<string> {
  const { exitCode, stdout, stderr } = await type(line);
  expect([line, exitCode, stderr]).toEqual([line, 0, '']);
  return stdout.trim();
}

/** The second layer deletes a file, replaces a directory, and brings a device's node and a pipe's. */
async function imageOfLayers(): Promise<Buffer> {
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
  writeLayout(layout, [
    {
      layers: [await packed(lower), await packed(upper), layerOfPowers()],
      config: { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] },
    },
  ]);
  return packed(layout);
}

/** A setuid program that keeps its powers (busybox gives them up in all but a few), and one with cap_net_raw+ep. */
function layerOfPowers(): Buffer {
  const busybox = readFileSync('/bin/busybox');
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const overlay = (name: string, value: string) => ({ [`SCHILY.xattr.user.overlay.${name}`]: value });
  return tarOf(
    { name: 'etc/passwd', data: 'root::0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n' },
    { name: 'setuid/su', data: busybox, mode: 0o4755 },
    { name: 'caps/cat', data: busybox, mode: 0o755, pax: { 'SCHILY.xattr.security.capability': capability } },
    { name: 'redirected', type: '5', pax: overlay('redirect', '/bin') },
    { name: 'data', type: '5', pax: overlay('opaque', 'y') },
  );
}

async function packed(dir: string): Promise<Buffer> {
  const file = `${dir}.tar`;
  await runProgram(['tar', '-C', dir, '-cf', file, '.']);
  return readFileSync(file);
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
  expect(await ok('minidock run --rm -v afresh:/cache box ls /cache')).toBe('new');
  await ok('minidock stop -t 1 web && minidock start web');
  expect(await ok('busybox wget -qO- http://203.0.113.2:8080/second && echo served')).toBe('served');
  await ok('minidock rm -f web && minidock volume rm pages afresh');
  expect(await ok('nft list ruleset | grep 8080 || echo gone')).toBe('gone');
});

test('--explain says what is done in their place, and a script does the same', async () => {
  const told = await ok('minidock run --dry-run box true');
  expect(told).toContain('Lend /dev/null');
  expect(told).toContain('mount --bind /dev/null');
  expect(told).toMatch(/userxattr: its\s+marks\s+are/);
  expect(told).not.toMatch(/mknod -m|devices\.(allow|deny)/);
  await ok('minidock run --script box sh -c "echo x >/dev/null; ls /doc /cache" >/tmp/box.sh');
  expect(await ok('bash /tmp/box.sh')).toBe('/cache:\nnew\n\n/doc:');
});

test('groups that are there may send pings', async () => {
  expect(await ok('minidock run --rm box cat /proc/sys/net/ipv4/ping_group_range')).toBe('0\t65535');
});

test('a user or group that the namespace does not have is refused by name, and nothing is left', async () => {
  const refused = (words: string) => ({ exitCode: 125, stderr: expect.stringContaining(words) });
  const uid = 'cannot set uid to unmapped user 70000 in user namespace';
  const gid = 'cannot set gid to unmapped group 70000 in user namespace';
  expect(await type('minidock run --rm -u 70000:0 box id')).toMatchObject(refused(uid));
  expect(await type('minidock run --rm -u 1000:70000 box id')).toMatchObject(refused(gid));
  expect(await type('minidock run --rm --group-add 70000 box id')).toMatchObject(refused(gid));
  await ok('minidock run -d --name idle box sleep 1000');
  expect(await type('minidock exec -u 70000:0 idle id')).toMatchObject({ ...refused(uid), exitCode: 126 });
  await ok('minidock rm -f idle');
  expect(await ok('minidock ps -aq')).toBe('');
});

test('an image with a file of such a user is refused, which file and whose it is being told', async () => {
  const layout = join(host.dir, 'foreign');
  writeLayout(layout, [{ layers: [tarOf({ name: 'big', uid: 70000, gid: 70001 })], config: {} }]);
  const stored = 'ls /var/lib/minidock/images/layers; minidock images -a';
  const before = await ok(stored);
  expect(await load(await packed(layout))).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/"\/?big" belongs to 70000:70001.*\n.*\/proc\/self\/uid_map/),
  });
  expect(await ok(stored)).toBe(before);
});

test('setuid programs, capabilities of files and overlayfs’s own words in a layer count as elsewhere', async () => {
  expect(await ok(`minidock run --rm -u app box sh -c '/setuid/su root -c "id -u"'`)).toBe('0');
  expect(await ok('minidock run --rm -u app box /caps/cat /proc/self/status')).toMatch(
    /^CapEff:\t0000000000002000$/m,
  );
  expect(await ok('minidock run --rm box ls /redirected')).toBe('');
  expect(await ok('minidock run --rm box ls /data')).toBe('first\nsecond');
});

test('a privileged container has the devices that are here, each once', async () => {
  expect(await ok('minidock run --rm --privileged box stat -c %t:%T /dev/net/tun')).toBe('a:c8');
  expect(await ok('minidock run --rm --privileged box busybox grep -c " /dev/null " /proc/mounts')).toBe('1');
});

test('a hard limit or a score that only root of the machine may set is refused, with the reason', async () => {
  const refusals = ['--ulimit nofile=99999999', '--oom-score-adj -500'].map(async (flag) => {
    expect(await type(`minidock run --rm ${flag} box true`)).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('CAP_SYS_RESOURCE'),
    });
  });
  await Promise.all(refusals);
  expect(await ok('minidock ps -aq')).toBe('');
});
