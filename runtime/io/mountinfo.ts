/**
 * /proc/PID/mountinfo, line by line, see proc(5): '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw'.
 * Spaces and backslashes are written as three octal digits there, commas and all else as they are.
 */
export interface Mount {
  /** The part of the file system that is mounted: '/' for all of it, 'net:[4026532683]' for a namespace. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  /** Of the file system, not of this mount: 'rw', 'lowerdir=/a:/b', 'memory'. */
  readonly options: readonly string[];
  /** Whether mounts below it reach others, and whether those of others reach it (mount_namespaces(7)). */
  readonly shared: boolean;
  readonly slave: boolean;
}

export const parseMountinfo = (text: string): readonly Mount[] =>
  text.split('\n').flatMap((line): readonly Mount[] => {
    const [before = '', after] = line.split(' - ');
    if (after === undefined) return [];
    const [, , , root = '', point = '', , ...tags] = before.split(' ').map(unescape);
    const [type = '', , options = ''] = after.split(' ');
    const has = (tag: string): boolean => tags.some((word) => word.startsWith(tag));
    const propagation = { shared: has('shared:'), slave: has('master:') };
    return [{ root, point, type, options: options.split(',').map(unescape), ...propagation }];
  });

const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
