/**
 * Paths in a container, as `docker cp` reads them: links in a path are followed inside of the container's root, its
 * last component is not unless something follows it (`link/`). Messages are Docker's.
 */
import { closeSync, constants, fstatSync } from 'node:fs';
import { posix } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { openInRoot } from '../../../runtime/rootfs/in-root.ts';
import { O_PATH, ST_RDONLY } from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { fromText } from '../../../images/unpack/paths.ts';
import { meansDirectory, type Found } from './paths.ts';

/** An O_PATH descriptor, which the caller closes. */
export function openPath(root: number, path: string, container: string): number {
  const flags = meansDirectory(path) ? O_PATH | constants.O_DIRECTORY : O_PATH | constants.O_NOFOLLOW;
  try {
    return openInRoot(calls, root, fromText(path), flags);
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? notFound(path, container) : error;
  }
}

const notFound = (path: string, container: string): MinidockError =>
  new MinidockError({
    code: 'NO_SUCH_FILE',
    message: `Could not find the file ${path} in container ${container}`,
  });

/** Where a link leads, one step; undefined for anything else. */
export function linkTarget(fd: number, path: string): string | undefined {
  if (!fstatSync(fd).isSymbolicLink()) return undefined;
  const target = Buffer.from(calls.readlink(fd), 'latin1').toString();
  return posix.resolve(posix.dirname(path), target);
}

/** A destination; a link is followed once, as by Docker, whose second look at it is the kernel's. */
export function lookUp(root: number, path: string, container: string): Found & { readonly path: string } {
  const missing = { path, exists: false, isDirectory: false };
  let fd: number;
  try {
    fd = openPath(root, path, container);
  } catch {
    return missing; // Whatever the reason, the copy will meet it.
  }
  try {
    const target = linkTarget(fd, path);
    if (target !== undefined) return { ...lookUp(root, `${target}${posix.sep}.`, container), path: target };
    const stats = fstatSync(fd);
    if (stats.isFile() || stats.isDirectory())
      return { path, exists: true, isDirectory: stats.isDirectory() };
    const kind = stats.isCharacterDevice() || stats.isBlockDevice() ? 'a device' : 'an irregular file';
    throw new MinidockError({
      code: 'BAD_COPY',
      message: `destination "${container}:${path}" must be a directory or a regular file: got ${kind}`,
    });
  } finally {
    closeSync(fd);
  }
}

/** @throws MinidockError where files cannot be put into this directory of the container. */
export function checkWritable(
  root: number,
  directory: string,
  container: string,
  readOnlyRoot: boolean,
): void {
  let fd: number;
  try {
    fd = openInRoot(calls, root, fromText(directory), O_PATH);
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? notFound(directory, container) : error;
  }
  try {
    if (!fstatSync(fd).isDirectory()) throw refused('extraction point is not a directory');
    const ofRoot = calls.place(fd).mount === calls.place(root).mount;
    if (ofRoot && readOnlyRoot) throw refused('container rootfs is marked read-only');
    if ((calls.fileSystem(fd).flags & ST_RDONLY) === 0) return;
    throw refused(ofRoot ? 'container rootfs is marked read-only' : 'mounted volume is marked read-only');
  } finally {
    closeSync(fd);
  }
}

const refused = (message: string): MinidockError => new MinidockError({ code: 'READ_ONLY', message });
