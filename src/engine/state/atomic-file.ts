/**
 * Files that are either the old or the new version, never half of one: write beside, then rename(2) over it.
 * Not synced: a container's state after a power cut is 'exited' whatever the file says.
 *
 * None of them is ever a symbolic link: one that is there leads to a file that is none of minidock's, and is refused.
 */
import {
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { copyOf, readKept, type Kept } from '../../../images/foreign/kept.ts';
import type { Shape } from '../../../images/foreign/shape.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { damagedFile } from './damage.ts';
import { randomHex } from '../spec/ids.ts';
import { openSeal, seal } from './seal.ts';

export function writeFileAtomic(path: string, text: string, mode = 0o600): void {
  const temporary = temporaryIn(dirname(path));
  let moved = false;
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode });
    renameSync(temporary, path);
    moved = true;
  } finally {
    if (!moved) rmSync(temporary, { force: true });
  }
}

/**
 * New only if there is no such file yet; then it is there with all its content. Written in a directory of the same
 * file system that is cleaned up after a kill, then link(2), which unlike rename(2) refuses to replace. @throws EEXIST.
 */
export function createFileAtomic(path: string, text: string, directory: string): void {
  const temporary = temporaryIn(directory);
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    linkSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Over the old content, where no space is left for a second file: what the old one occupies is enough for as much
 * again. A crash at this moment may leave half of it.
 */
export function overwriteFile(path: string, text: string): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const bytes = Buffer.from(text);
    writeSync(fd, bytes, 0, bytes.length, 0);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}

/** Not longer than the name it will have may be, and never the name of anything else. */
const temporaryIn = (directory: string): string => join(directory, `.${randomHex(6)}.tmp`);

/** `value`: an object with a field at least, of a shape that readRecord() reads. */
export function writeRecord(path: string, value: object): void {
  writeFileAtomic(path, seal(JSON.stringify(value)));
}

/** More than nearly all that is read has. */
const SIZE = 16_384;
let buffer: Buffer | undefined;

/**
 * As readFileSync(path, 'utf8'), with its errors, which asks for the size first and reads until nothing comes: twice
 * the calls, for each of the files that a list of containers reads. For what one read gives all of (no pipes).
 */
export function readSmallFile(path: string): string {
  buffer ??= Buffer.allocUnsafe(SIZE);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const length = readSync(fd, buffer, 0, SIZE, null);
    if (length < SIZE) return buffer.toString('utf8', 0, length);
    // What was read is copied first: from a descriptor, all that follows is read.
    const beginning = Buffer.from(buffer);
    return Buffer.concat([beginning, readFileSync(fd)]).toString('utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * undefined if there is more in it than `size` bytes. For a file that a container can write to, and so hold a lease on
 * (fcntl(2), F_SETLEASE), for which a plain open waits 45 seconds. @throws EAGAIN then.
 */
export function readAtMost(path: string, size: number): string | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.allocUnsafe(size + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= size; length += read) {
      read = readSync(fd, bytes, length, size + 1 - length, null);
    }
    return length > size ? undefined : bytes.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}

export interface Found {
  readonly document: unknown;
  /** This build wrote it as it is: it has its shape. */
  readonly isIntact: boolean;
}

/** A record that judgeRecord() has not seen; undefined when there is no such file. @throws MinidockError 'DAMAGED_FILE'. */
export function openRecord(path: string): Found | undefined {
  let text: string;
  try {
    text = readSmallFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // ELOOP is what O_NOFOLLOW says of a link (open(2)).
    if (code === 'ELOOP') throw isLink(path);
    if (code === 'EIO' || code === 'EISDIR') throw damagedFile(path, `it cannot be read (${code})`, error);
    throw error;
  }
  const { json, isIntact } = openSeal(text);
  return { document: parse(path, json), isIntact };
}

/** The record, if it has the shape. @throws MinidockError 'DAMAGED_FILE'. */
export function judgeRecord<T>(path: string, document: unknown, shape: Shape<T>): T {
  const problem = shape.find(document, '');
  if (problem === undefined) return document as T;
  throw damagedFile(path, `${problem.path === '' ? 'it' : problem.path} ${problem.what}`);
}

/**
 * A record of minidock's own, of the shape it was written with; undefined when there is no such file.
 * @throws MinidockError 'DAMAGED_FILE', after a power cut for instance.
 */
export function readRecord<T>(path: string, shape: Shape<T>): T | undefined {
  const found = openRecord(path);
  if (found === undefined || found.isIntact) return found?.document as T | undefined;
  return judgeRecord(path, found.document, shape);
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damagedFile(path, text.trim() === '' ? 'it is empty' : 'it is not JSON', cause);
  }
}

/** The same for a record that is written twice (images/foreign/kept.ts). */
export const readKeptRecord = <T>(path: string, shape: Shape<T>): Kept<T> =>
  readKept(path, (file) => readRecord(file, shape), isDamaged);

export function writeKeptRecord(path: string, value: object): void {
  writeRecord(path, value);
  writeRecord(copyOf(path), value);
}

/** For a directory that is entered by its name. @throws MinidockError 'DAMAGED_FILE'. */
export function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw isLink(path);
}

export const isLink = (path: string): MinidockError =>
  new MinidockError({
    code: 'DAMAGED_FILE',
    message: `${path} is a symbolic link, which minidock never makes`,
    hint: 'See where it leads with readlink, then remove it with rm.',
  });

export const isDamaged = (error: unknown): error is MinidockError =>
  (error as { code?: unknown }).code === 'DAMAGED_FILE';
