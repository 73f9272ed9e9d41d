import { expect, test } from '@jest/globals';
import { parseMountOptions } from '../../../../runtime/rootfs/mount-options.ts';
import * as k from '../../../../runtime/syscall/constants.ts';

test('flags go to the kernel as flags, the rest to the file system as data', () => {
  expect(parseMountOptions(['nosuid', 'strictatime', 'mode=755', 'size=65536k'])).toMatchObject({
    flags: k.MS_NOSUID | k.MS_STRICTATIME,
    data: 'mode=755,size=65536k',
    bind: false,
    propagation: 0,
  });
});

test('the last of two opposites wins', () => {
  expect(parseMountOptions(['noexec', 'exec', 'rw', 'ro']).flags).toBe(k.MS_RDONLY);
  expect(parseMountOptions(['ro', 'rw']).attributes).toEqual({ set: 0, clear: k.MOUNT_ATTR_RDONLY });
});

test('a bind mount changes only the attributes that are named', () => {
  expect(parseMountOptions(['rbind', 'rprivate', 'ro', 'nosuid'])).toMatchObject({
    bind: true,
    recursive: true,
    propagation: k.MS_PRIVATE | k.MS_REC,
    attributes: { set: k.MOUNT_ATTR_RDONLY | k.MOUNT_ATTR_NOSUID, clear: 0 },
    data: '',
  });
});

test('access times are one field of three values', () => {
  expect(parseMountOptions(['noatime', 'strictatime']).attributes).toEqual({
    set: k.MOUNT_ATTR_STRICTATIME,
    clear: k.MOUNT_ATTR__ATIME,
  });
});

test('comments and fillers reach nobody', () => {
  expect(parseMountOptions(['defaults', 'x-systemd.automount', 'X-mount.mkdir', '', 'bind']).data).toBe('');
});
