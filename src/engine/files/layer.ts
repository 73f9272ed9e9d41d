/**
 * What a container has changed, as an image's layer: the upper directory of its overlay, where overlayfs's own notes
 * become an archive's: a character device 0:0 is `.wh.NAME`, the attribute `opaque` is `.wh..wh..opq` (image-spec,
 * layer.md). Mount points that minidock made for each container are no change of the image's, and are left out.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { toText } from '../../../images/unpack/paths.ts';
import type { TarEntry } from '../../../images/unpack/tar-entry.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { overlayDir, type Paths } from '../state/paths.ts';
import { overlayNotes } from './overlay-notes.ts';
import { walkTree, type Visit } from './source.ts';
import { TarSink, type Write } from './tar-sink.ts';
import { openDirectory } from './tree-sink.ts';

/** Always mounted over: what lies there is nothing that the container could have written. */
const MOUNTED = /^(etc\/(hosts|hostname|resolv\.conf)|(dev|proc|sys)(\/.*)?|\.dockerenv)$/;

/** @throws MinidockError for what no layer can hold. */
export const writeLayer = (paths: Paths, id: string, write: Write): Promise<void> =>
  writeUpper(write, (visit) => walkLayer(paths, id, visit));

/** Of an upper directory in which all is the image's: what minidock made in it is gone. */
export const writeBuiltLayer = (
  upper: string,
  write: Write,
  onEntry: (entry: TarEntry, fd: number) => TarEntry,
): Promise<void> =>
  writeUpper(write, async (visit) => {
    const root = openDirectory(upper);
    try {
      await walkTree(root, '', (entry, open) => {
        refuseReserved(entry);
        return visit(onEntry(entry, open()), open);
      });
    } finally {
      closeSync(root);
    }
  });

async function writeUpper(write: Write, walk: (visit: Visit) => Promise<void>): Promise<void> {
  const sink = new TarSink(write);
  await walk(async (entry, open) => {
    await sink.entry(isWhiteout(entry) ? whiteout(entry) : entry, open());
    if ((entry.type === 'dir' || entry.type === 'file') && marks(open(), entry)) {
      await sink.entry({ ...entry, ...EMPTY, path: `${entry.path}/.wh..wh..opq` }, -1);
    }
  });
  await sink.end();
}

/** Whether there is anything that a layer of it would hold. No file is read. */
export async function hasLayer(paths: Paths, id: string): Promise<boolean> {
  let found = false;
  await walkLayer(paths, id, () => void (found = true));
  return found;
}

async function walkLayer(paths: Paths, id: string, visit: Visit): Promise<void> {
  const upper = join(overlayDir(paths, id), 'upper');
  if (!existsSync(upper)) return;
  const root = openDirectory(upper);
  try {
    await walkTree(root, '', (entry, open) => {
      if (isMountPoint(entry)) return;
      refuseReserved(entry);
      return visit(entry, open);
    });
  } finally {
    closeSync(root);
  }
}

/** What unpacks the layer would remove what the rest of the name says, and there is no other way to write it. */
function refuseReserved({ path }: TarEntry): void {
  if (!path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.')) return;
  throw new MinidockError({
    code: 'RESERVED_NAME',
    message: `there is a file called "/${toText(path)}", which no layer can hold: in one, a name with .wh. in front means that a file is gone`,
    hint: 'Rename or remove it, then try again.',
  });
}

const isMountPoint = ({ type, path, linkpath }: TarEntry): boolean =>
  MOUNTED.test(path) || (type === 'symlink' && path === 'etc/mtab' && linkpath === '/proc/mounts');

const isWhiteout = ({ type, major, minor }: TarEntry): boolean =>
  type === 'char' && major === 0 && minor === 0;

const EMPTY = { type: 'file', size: 0, mode: 0o600, uid: 0, gid: 0, xattrs: new Map() } as const;

function whiteout(entry: TarEntry): TarEntry {
  const slash = entry.path.lastIndexOf('/') + 1;
  return { ...entry, ...EMPTY, path: `${entry.path.slice(0, slash)}.wh.${entry.path.slice(slash)}` };
}

/** Whether a directory is opaque. @throws MinidockError where the files are not in the upper directory itself. */
function marks(fd: number, { path }: TarEntry): boolean {
  const readable = openSync(`/proc/self/fd/${String(fd)}`, 'r');
  try {
    const found = calls.listXattrs(readable);
    const has = (note: string): boolean => found.includes(note);
    if ([...overlayNotes('redirect'), ...overlayNotes('metacopy')].some(has)) {
      throw new MinidockError({
        code: 'NO_NATIVE_LAYER',
        message: `"${toText(path)}" is only a note of overlayfs (redirect_dir or metacopy), which no layer can hold`,
        hint: 'Turn both off in /sys/module/overlay/parameters and make the container anew.',
      });
    }
    return overlayNotes('opaque')
      .filter(has)
      .some((note) => String(Buffer.from(calls.getXattr(readable, note))) === 'y');
  } finally {
    closeSync(readable);
  }
}
