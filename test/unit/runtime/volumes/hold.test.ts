/** Who mounts and who unmounts a volume, with a kernel that records its calls. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { VolumeMount } from '../../../../runtime/volumes/command.ts';
import { mountVolume, unmountVolume, type Host } from '../../../../runtime/volumes/hold.ts';
import { SyscallError } from '../../../../runtime/syscall/error.ts';
import { MNT_DETACH, MS_NOSUID, MS_RDONLY } from '../../../../runtime/syscall/constants.ts';

let dir: string;
let mounted: string[];
let calls: string[];
let refuse: SyscallError | undefined;

const host: Host = {
  kernel: {
    mount(...words) {
      calls.push(`mount ${JSON.stringify(words)}`);
      if (refuse !== undefined) throw refuse;
      mounted.push(words[1]);
    },
    umount2(target, flags) {
      calls.push(`umount2 ${JSON.stringify([target, flags])}`);
      mounted.splice(mounted.indexOf(target), 1);
    },
    flock: () => true,
  },
  mounts: () => mounted.map((point) => `36 35 0:1 / ${point} rw - tmpfs tmpfs rw\n`).join(''),
};

const TARGET = '/v/data/_data';
const volume = (user: string, more: Partial<VolumeMount> = {}): VolumeMount => ({
  kind: 'mount-volume',
  ...{ type: 'tmpfs', source: 'tmpfs', options: 'size=1m,ro,nosuid,x-comment', target: TARGET },
  users: join(dir, 'volumes/data'),
  user: user.repeat(64),
  ...more,
});
const mount = (user: string, more?: Partial<VolumeMount>): Promise<void> =>
  mountVolume(volume(user, more), host);
const unmount = (user: string): Promise<void> =>
  unmountVolume({ ...volume(user), kind: 'unmount-volume' }, host);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'minidock-volumes-'));
  [mounted, calls, refuse] = [[], [], undefined];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a file system of this host', () => {
  const MOUNT = `mount ${JSON.stringify(['tmpfs', TARGET, 'tmpfs', MS_RDONLY | MS_NOSUID, 'size=1m'])}`;
  const UMOUNT = `umount2 ${JSON.stringify([TARGET, MNT_DETACH])}`;

  test('the first user mounts, the last one unmounts, and nothing is left', async () => {
    await mount('a');
    await mount('b');
    await unmount('a');
    expect(calls).toEqual([MOUNT]);
    await unmount('b');
    expect(calls).toEqual([MOUNT, UMOUNT]);
    expect(readdirSync(join(dir, 'volumes'))).toEqual([]);
  });

  test('twice by one user is once; a user that was never there takes nothing from another', async () => {
    await mount('a');
    await mount('a');
    await unmount('b');
    expect(calls).toEqual([MOUNT]);
    await unmount('a');
    await unmount('a');
    expect(calls).toEqual([MOUNT, UMOUNT]);
  });

  test('what a killed container left mounted is used, and goes with the last user', async () => {
    mounted = [TARGET, TARGET];
    await mount('a');
    await unmount('a');
    expect(calls).toEqual([UMOUNT, UMOUNT]);
  });

  test('what the kernel refuses is said with the command; the undo finds nothing to unmount', async () => {
    refuse = new SyscallError('mount()', 'EINVAL', 'invalid argument');
    await expect(mount('a')).rejects.toMatchObject({
      code: 'VOLUME_NOT_MOUNTED',
      message: `mount -t tmpfs -o size=1m,ro,nosuid,x-comment tmpfs ${TARGET}: invalid argument`,
      hint: expect.stringContaining('dmesg') as unknown,
    });
    await unmount('a');
    expect(calls).toEqual([MOUNT]);
    expect(existsSync(join(dir, 'volumes/data'))).toBe(false);
  });
});

describe('a file system of a server', () => {
  const path = process.env['PATH'];
  const nfs = { type: 'nfs', source: ':/export', options: 'addr=localhost,rw' };

  /** In place of timeout(1), which is what is started. */
  const program = (script: string): void => {
    writeFileSync(join(dir, 'timeout'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(dir, 'timeout'), 0o755);
    process.env['PATH'] = `${dir}:${path ?? ''}`;
  };
  afterEach(() => {
    process.env['PATH'] = path;
  });

  test('mount(8) gets the options with the address of the server', async () => {
    program(`printf '%s\\n' "$@" >${dir}/words`);
    await mount('a', nfs);
    const words = readFileSync(join(dir, 'words'), 'utf8').trimEnd().split('\n');
    expect(words[8]).toMatch(/^addr=(127\.0\.0\.1|::1),rw$/);
    expect(words.filter((_, index) => index !== 8)).toEqual([
      ...['-s', 'KILL', '15', 'mount', '-i', '-t', 'nfs', '-o', ':/export', TARGET],
    ]);
    expect(calls).toEqual([]);
  });

  test('one that does not answer, and one that refuses', async () => {
    program('kill -KILL $$');
    await expect(mount('a', nfs)).rejects.toMatchObject({
      message: expect.stringMatching(/^timeout .*: the server did not answer within 15 seconds$/) as unknown,
      hint: expect.stringContaining('addr=') as unknown,
    });
    program('echo "mount: /v/data/_data: access denied by server." >&2; echo more >&2; exit 32');
    await expect(mount('a', nfs)).rejects.toMatchObject({
      message: expect.stringMatching(/: access denied by server$/) as unknown,
    });
  });

  test('a password is in no error; a name that leads nowhere is named', async () => {
    program('exit 1');
    const options = 'addr=192.0.2.1,username=me,password=secret,pass=secret';
    const error = await mount('a', { type: 'cifs', source: '//h/x', options }).catch(
      (e: unknown) => e as Error,
    );
    expect((error as Error).message).toContain('password=********,pass=********');
    expect((error as Error).message).not.toContain('secret');
    await expect(mount('a', { ...nfs, options: 'addr=a..b' })).rejects.toMatchObject({
      message: expect.stringContaining('error resolving the address of the server a..b: ') as unknown,
    });
  });
});
