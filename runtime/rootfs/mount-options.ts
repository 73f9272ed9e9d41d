/**
 * Sorts mount(8)'s option words: flags of mount(2), attributes of mount_setattr(2), propagation, and the rest, which
 * is data for the file system (`mode=755`). A later word wins over an earlier one, as in mount(8).
 *
 * Words with an `x-` or `X-` prefix are comments for tools and go nowhere.
 */
import * as k from '../syscall/constants.ts';

export interface MountOptions {
  /** For mount(2), without MS_BIND, MS_REC, MS_REMOUNT and propagation. */
  readonly flags: number;
  readonly bind: boolean;
  readonly remount: boolean;
  readonly recursive: boolean;
  /** MS_PRIVATE and so on, with MS_REC for the r-forms; 0 if the words do not say. */
  readonly propagation: number;
  /** What the words turn on and off, for a bind mount, whose other attributes stay as they are. */
  readonly attributes: { readonly set: number; readonly clear: number };
  readonly data: string;
  /** `data` word by word, and the flags that a new file system itself takes (fsconfig(2)), `ro` above all. */
  readonly words: readonly string[];
}

/** word -> [flag, set?] */
const FLAGS: Readonly<Record<string, readonly [flag: number, on: boolean]>> = {
  ro: [k.MS_RDONLY, true],
  rw: [k.MS_RDONLY, false],
  nosuid: [k.MS_NOSUID, true],
  suid: [k.MS_NOSUID, false],
  nodev: [k.MS_NODEV, true],
  dev: [k.MS_NODEV, false],
  noexec: [k.MS_NOEXEC, true],
  exec: [k.MS_NOEXEC, false],
  sync: [k.MS_SYNCHRONOUS, true],
  async: [k.MS_SYNCHRONOUS, false],
  dirsync: [k.MS_DIRSYNC, true],
  mand: [k.MS_MANDLOCK, true],
  nomand: [k.MS_MANDLOCK, false],
  noatime: [k.MS_NOATIME, true],
  atime: [k.MS_NOATIME, false],
  nodiratime: [k.MS_NODIRATIME, true],
  diratime: [k.MS_NODIRATIME, false],
  relatime: [k.MS_RELATIME, true],
  norelatime: [k.MS_RELATIME, false],
  strictatime: [k.MS_STRICTATIME, true],
  nostrictatime: [k.MS_STRICTATIME, false],
  lazytime: [k.MS_LAZYTIME, true],
  silent: [k.MS_SILENT, true],
};

const PROPAGATION: Readonly<Record<string, number>> = {
  private: k.MS_PRIVATE,
  rprivate: k.MS_PRIVATE | k.MS_REC,
  slave: k.MS_SLAVE,
  rslave: k.MS_SLAVE | k.MS_REC,
  shared: k.MS_SHARED,
  rshared: k.MS_SHARED | k.MS_REC,
  unbindable: k.MS_UNBINDABLE,
  runbindable: k.MS_UNBINDABLE | k.MS_REC,
};

/** The three answers to "when is the access time written" are one field of mount_setattr(2), not three bits. */
const ATTRIBUTES: Readonly<Record<string, { readonly set: number; readonly clear: number }>> = {
  ro: { set: k.MOUNT_ATTR_RDONLY, clear: 0 },
  rw: { set: 0, clear: k.MOUNT_ATTR_RDONLY },
  nosuid: { set: k.MOUNT_ATTR_NOSUID, clear: 0 },
  suid: { set: 0, clear: k.MOUNT_ATTR_NOSUID },
  nodev: { set: k.MOUNT_ATTR_NODEV, clear: 0 },
  dev: { set: 0, clear: k.MOUNT_ATTR_NODEV },
  noexec: { set: k.MOUNT_ATTR_NOEXEC, clear: 0 },
  exec: { set: 0, clear: k.MOUNT_ATTR_NOEXEC },
  nodiratime: { set: k.MOUNT_ATTR_NODIRATIME, clear: 0 },
  diratime: { set: 0, clear: k.MOUNT_ATTR_NODIRATIME },
  noatime: { set: k.MOUNT_ATTR_NOATIME, clear: k.MOUNT_ATTR__ATIME },
  relatime: { set: k.MOUNT_ATTR_RELATIME, clear: k.MOUNT_ATTR__ATIME },
  strictatime: { set: k.MOUNT_ATTR_STRICTATIME, clear: k.MOUNT_ATTR__ATIME },
};

export function parseMountOptions(words: readonly string[]): MountOptions {
  let flags = 0;
  let propagation = 0;
  let set = 0;
  let clear = 0;
  const data: string[] = [];
  for (const word of words) {
    const flag = FLAGS[word];
    if (flag !== undefined) {
      flags = flag[1] ? flags | flag[0] : flags & ~flag[0];
      const attribute = ATTRIBUTES[word];
      if (attribute !== undefined) {
        set = (set & ~attribute.clear) | attribute.set;
        clear = (clear & ~attribute.set) | attribute.clear;
      }
    } else if (PROPAGATION[word] !== undefined) {
      propagation = PROPAGATION[word];
    } else if (!NOT_DATA.has(word) && !/^x-/i.test(word)) {
      data.push(word);
    }
  }
  return {
    flags,
    bind: words.includes('bind') || words.includes('rbind'),
    remount: words.includes('remount'),
    recursive: words.includes('rbind'),
    propagation,
    attributes: { set, clear },
    data: data.join(','),
    words: [...FILE_SYSTEM_FLAGS.filter(([flag]) => (flags & flag) !== 0).map(([, word]) => word), ...data],
  };
}

/** Flags of mount(2) that belong to the file system and not to one place where it is mounted. */
const FILE_SYSTEM_FLAGS: readonly (readonly [flag: number, word: string])[] = [
  [k.MS_RDONLY, 'ro'],
  [k.MS_SYNCHRONOUS, 'sync'],
  [k.MS_DIRSYNC, 'dirsync'],
  [k.MS_LAZYTIME, 'lazytime'],
];

const NOT_DATA = new Set(['bind', 'rbind', 'remount', 'defaults', '']);
