import { expect, test } from '@jest/globals';
import {
  defaultDeviceRules,
  defaultMounts,
  devicesOf,
  standardDevices,
} from '../../../../runtime/rootfs/defaults.ts';
import { splitDevice } from '../../../../runtime/rootfs/host-devices.ts';
import { initMount } from '../../../../runtime/rootfs/init-binary.ts';

const lines = (options: Parameters<typeof defaultMounts>[0]): readonly string[] =>
  defaultMounts(options).map(
    ({ destination, type, options: words }) => `${type} ${destination} ${words.join(',')}`,
  );

test('version 2 is one mount, read-only unless privileged', () => {
  const base = { shmSize: 1024, cgroupVersion: 2 } as const;
  expect(lines({ ...base, privileged: false })).toContain('cgroup2 /sys/fs/cgroup nosuid,noexec,nodev,ro');
  expect(lines({ ...base, privileged: true })).toContain('cgroup2 /sys/fs/cgroup nosuid,noexec,nodev,rw');
  expect(lines({ ...base, privileged: false }).at(-1)).toBe(
    'tmpfs /dev/shm nosuid,noexec,nodev,mode=1777,size=1024',
  );
});

test('version 1 is a directory of hierarchies, closed once it is filled', () => {
  const hierarchies = [
    { directory: 'memory', option: 'memory' },
    { directory: 'systemd', option: 'name=systemd' },
  ];
  const options = { shmSize: 1024, cgroupVersion: 1, cgroupHierarchies: hierarchies } as const;
  const found = (privileged: boolean) =>
    lines({ ...options, privileged }).filter((line) => line.includes('/sys/fs/cgroup'));
  expect(found(false)).toEqual([
    'tmpfs /sys/fs/cgroup nosuid,noexec,nodev,mode=755',
    'cgroup /sys/fs/cgroup/memory nosuid,noexec,nodev,ro,memory',
    'cgroup /sys/fs/cgroup/systemd nosuid,noexec,nodev,ro,name=systemd',
    'tmpfs /sys/fs/cgroup remount,bind,ro',
  ]);
  expect(found(true)).toHaveLength(3);
});

test('a privileged container gets the host’s devices beside the standard ones, each once', () => {
  const disk = { type: 'b', path: '/dev/sda', major: 8, minor: 0, fileMode: 0o660, uid: 0, gid: 6 } as const;
  expect(devicesOf([...standardDevices, disk])).toEqual([...standardDevices, disk]);
  expect(devicesOf([disk])).toEqual([...standardDevices, disk]);
});

test('the device list starts by denying everything', () => {
  expect(defaultDeviceRules[0]).toEqual({ allow: false, access: 'rwm' });
  expect(defaultDeviceRules).toContainEqual({ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' });
});

test('a dev_t is taken apart as makedev(3) puts it together', () => {
  expect(splitDevice(0x103)).toEqual({ major: 1, minor: 3 });
  expect(splitDevice(0x11110370)).toEqual({ major: 0x103, minor: 0x11170 });
});

test('--init without an init on the host says which package brings one', () => {
  expect(() => initMount(['/nope'])).toThrow(
    expect.objectContaining({ code: 'INIT_NOT_FOUND', hint: 'apt-get install tini' }),
  );
  expect(initMount(['/nope', '/bin/busybox'])).toMatchObject({ destination: '/sbin/docker-init' });
});
