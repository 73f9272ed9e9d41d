/**
 * Where COPY and WORKDIR write in a stage: directories that are missing are made, one at a time and by descriptors, with
 * the owner of what is copied. Times are those of the sources, or of the directory before, so that the same input makes
 * the same layer.
 */
import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import { fromText } from '../../../images/unpack/paths.ts';
import { createInRoot, openInRoot } from '../../../runtime/rootfs/in-root.ts';
import { refuseKernelFiles } from '../../../runtime/rootfs/safe-target.ts';
import { textParts } from '../../../runtime/process/identity/lines.ts';
import { resolveUser } from '../../../runtime/process/identity/users.ts';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { linkTarget } from '../../engine/files/in-container.ts';
import { BuildError } from '../errors.ts';
import { cleanPath } from '../context/source-tree.ts';

/** Directories that minidock made, and how the deepest one before them was. */
export class Directories {
  private readonly touched = new Map<string, bigint>();
  private readonly made: string[] = [];

  constructor(private readonly root: number) {}

  /** `path` is absolute. `owner` is for what is missing. */
  make(path: string, owner: { readonly uid: number; readonly gid: number }, mode = 0o755): void {
    const refuse = (fd: number): void => refuseKernelFiles(calls, fd, path);
    const parts = cleanPath(path);
    for (let count = 1; count <= parts.length; count++) {
      const here = `/${parts.slice(0, count).join('/')}`;
      this.note(here.slice(0, here.lastIndexOf('/')) || '/');
      const { fd, isNew } = createInRoot(calls, this.root, fromText(here), 'dir', refuse);
      try {
        if (!isNew) continue;
        this.made.push(here);
        calls.chown(fd, owner.uid, owner.gid);
        if (count === parts.length && mode !== 0o755) this.setMode(here, mode);
      } finally {
        closeSync(fd);
      }
    }
  }

  /** Something is about to be written into it. */
  note(path: string): void {
    if (this.touched.has(path) || this.made.includes(path)) return;
    const fd = this.open(path);
    if (fd === undefined) return;
    this.touched.set(path, fstatSync(fd, { bigint: true }).mtimeNs);
    closeSync(fd);
  }

  /** `time` is for the directories that were made. */
  end(time: bigint): void {
    for (const path of this.made.toReversed()) this.setTime(path, time);
    for (const [path, before] of this.touched) this.setTime(path, before);
  }

  private setMode(path: string, mode: number): void {
    const fd = openInRoot(calls, this.root, fromText(path), constants.O_RDONLY | constants.O_DIRECTORY);
    process.getBuiltinModule('node:fs').fchmodSync(fd, mode);
    closeSync(fd);
  }

  private setTime(path: string, time: bigint): void {
    const fd = this.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    if (fd === undefined) return;
    calls.setTime(fd, time);
    closeSync(fd);
  }

  private open(path: string, flags = O_PATH): number | undefined {
    try {
      return openInRoot(calls, this.root, fromText(path), flags);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
      throw error;
    }
  }
}

/** undefined: there is nothing. Links are followed. */
export function isDirectoryIn(root: number, path: string): boolean | undefined {
  try {
    const fd = openInRoot(calls, root, fromText(path), O_PATH);
    const found = fstatSync(fd).isDirectory();
    closeSync(fd);
    return found;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

/** Where a link at the end of `path` leads, if it is no directory: also one that leads to nothing yet. */
export function throughLinks(root: number, path: string): string {
  let here = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    if (here.endsWith('/') || isDirectoryIn(root, here) === true) return here;
    let fd: number;
    try {
      fd = openInRoot(calls, root, fromText(here), O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return here;
      throw error;
    }
    try {
      const target = linkTarget(fd, here);
      if (target === undefined) return here;
      here = target;
    } finally {
      closeSync(fd);
    }
  }
  throw new BuildError({ code: 'ELOOP', message: `${path}: too many levels of symbolic links` });
}

/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** Bytes that a stage's passwd or group file may have here. */
const MAX_USERS = 16 << 20;

/** `user`, `user:group` or numbers, by the stage's own files. A number alone is the group too. */
export function findOwner(root: number, text: string): { readonly uid: number; readonly gid: number } {
  const [user = '', group] = text.split(':', 2);
  const isNumber = /^\d+$/.test(user);
  const spec = group === undefined && isNumber ? `${user}:${user}` : text;
  const { uid, gid } = resolveUser(spec, [], {
    passwd: textParts(readIn(root, '/etc/passwd')),
    group: textParts(readIn(root, '/etc/group')),
  });
  return { uid, gid };
}

/** '' where there is no such file. A FIFO is none. */
function readIn(root: number, path: string): string {
  let fd: number;
  try {
    const found = openInRoot(calls, root, path, O_PATH);
    const isFile = fstatSync(found).isFile();
    closeSync(found);
    if (!isFile) return '';
    fd = openInRoot(calls, root, path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error))) return '';
    throw error;
  }
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, MAX_USERS));
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}
