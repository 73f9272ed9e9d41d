/** How the mount of a volume is printed: the words of mount(2), quoted, and who is first and last. */
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { remoteArgv, renderFileSystem, renderVolume, serverIn } from '../../../../runtime/volumes/command.ts';

const fileSystem = (
  type: string,
  source: string,
  options: string,
): Parameters<typeof renderFileSystem>[0] => ({
  ...{ type, source, options },
  target: '/v/data/_data',
});

test.each([
  [
    fileSystem('tmpfs', 'tmpfs', 'size=10m,uid=1000'),
    'mount -t tmpfs -o size=10m,uid=1000 tmpfs /v/data/_data',
  ],
  [fileSystem('ext4', '/dev/loop7', ''), 'mount -t ext4 /dev/loop7 /v/data/_data'],
  [
    fileSystem('nfs', ':/export', 'addr=192.0.2.9,rw'),
    'timeout -s KILL 15 mount -i -t nfs -o addr=192.0.2.9,rw :/export /v/data/_data',
  ],
  [
    fileSystem('nfs', ':/export', 'vers=4,addr=nas.lan,rw'),
    `timeout -s KILL 15 mount -i -t nfs -o vers=4,addr="$(getent ahosts nas.lan | head -n 1 | cut -d ' ' -f 1)",rw :/export /v/data/_data`,
  ],
  [
    fileSystem('x;reboot', "a'b $(id)", 'o=`id`,\n'),
    `mount -t 'x;reboot' -o $'o=\`id\`,\\n' 'a'\\''b $(id)' /v/data/_data`,
  ],
])('%j', (command, line) => {
  expect(renderFileSystem(command)).toBe(line);
});

test.each([
  ['nfs', 'addr=nas', 'nas'],
  ['nfs4', 'rw,addr=nas-1.example.org,soft', 'nas-1.example.org'],
  ['cifs', 'username=addr=x,addr=nas', 'nas'],
  ['nfs', 'addr=192.0.2.9', undefined],
  ['nfs', 'addr=fd00::1', undefined],
  ['nfs', 'addr=$(reboot)', undefined],
  ['nfs', 'mountaddr=nas', undefined],
  ['nfs', 'rw', undefined],
  ['ext4', 'addr=nas', undefined],
])('the server in %s, %s', (type, options, name) => {
  expect(serverIn({ type, options })?.name).toBe(name);
});

test('the words of the kernel’s options are what bash makes of the line', () => {
  const command = fileSystem('nfs', ':/a b', 'addr=localhost,context="a,b",rw');
  const line = renderFileSystem(command).replace(/^timeout -s KILL 15 mount/, "printf '%s\\n'");
  const words = execFileSync('bash', ['-c', line], { encoding: 'utf8' }).trimEnd().split('\n');
  expect(words[4]).toMatch(/^addr=(127\.0\.0\.1|::1),context="a,b",rw$/);
  expect(words.filter((_, index) => index !== 4)).toEqual([
    '-i',
    '-t',
    'nfs',
    '-o',
    ':/a b',
    '/v/data/_data',
  ]);
  expect(remoteArgv(command, 'x').slice(5)).toEqual(['-i', '-t', 'nfs', '-o', 'x', ':/a b', '/v/data/_data']);
});

test('the note of who uses it comes first', () => {
  const use = { users: '/run/minidock/volumes/data', user: 'c'.repeat(64) };
  expect(renderVolume({ kind: 'mount-volume', ...fileSystem('tmpfs', 'tmpfs', ''), ...use })).toBe(
    `mkdir -p ${use.users} && touch ${use.users}/${use.user} && ` +
      '{ mountpoint -q /v/data/_data || mount -t tmpfs tmpfs /v/data/_data; }',
  );
});
