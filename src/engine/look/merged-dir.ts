/**
 * A directory as overlayfs shows it: one in the writable layer and those of the same name in the layers below, each held
 * by a descriptor that was opened from the one above it. A container that runs may put a link in the place of a
 * directory, or make chains of them longer than any path; neither leads anywhere else.
 *
 * The whiteout of a name is a character device 0:0, and an opaque directory hides all below it
 * (Documentation/filesystems/overlayfs.rst).
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, type BigIntStats } from 'node:fs';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { overlayNotes } from '../files/overlay-notes.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export const isWhiteout = (stats: BigIntStats): boolean => stats.isCharacterDevice() && stats.rdev === 0n;

export class LayeredDir {
  /** `fds`: the uppermost first. They are closed with it. */
  private constructor(private readonly fds: readonly number[]) {}

  /** Of whole layers; one that is not there has nothing. */
  static open(paths: readonly string[]): LayeredDir {
    return LayeredDir.fromPaths(paths);
  }

  private static fromPaths(paths: readonly (string | Buffer)[]): LayeredDir {
    const fds: number[] = [];
    for (const path of paths) {
      const fd = unlessGone(() => openSync(path, DIRECTORY));
      if (fd === undefined) continue;
      fds.push(fd);
      if (isOpaque(fd)) break;
    }
    return new LayeredDir(fds);
  }

  get isOpaque(): boolean {
    return this.fds[0] !== undefined && isOpaque(this.fds[0]);
  }

  /** Names of all its layers, whiteouts among them. */
  names(): ReadonlySet<string> {
    // As bytes in a string: a name need not be UTF-8.
    const read = (fd: number): readonly string[] =>
      readdirSync(at(fd), { encoding: 'latin1' as BufferEncoding });
    // One that was removed since it was opened has none, and the kernel says ENOENT.
    return new Set(this.fds.flatMap((fd) => unlessGone(() => read(fd)) ?? []));
  }

  /** What the name shows; undefined for none, or one that is hidden. */
  look(name: string): BigIntStats | undefined {
    for (const fd of this.fds) {
      const stats = this.lookIn(fd, name);
      if (stats !== undefined) return isWhiteout(stats) ? undefined : stats;
    }
    return undefined;
  }

  /** What the uppermost layer has of the name, a whiteout too. */
  lookOnTop(name: string): BigIntStats | undefined {
    return this.fds[0] === undefined ? undefined : this.lookIn(this.fds[0], name);
  }

  /** The directory of that name; one that has become something else is empty. */
  enter(name: string): LayeredDir {
    const paths: Buffer[] = [];
    for (const fd of this.fds) {
      const stats = this.lookIn(fd, name);
      if (stats === undefined) continue;
      if (!stats.isDirectory()) break;
      paths.push(at(fd, name));
    }
    return LayeredDir.fromPaths(paths);
  }

  close(): void {
    for (const fd of this.fds) closeSync(fd);
  }

  private lookIn(fd: number, name: string): BigIntStats | undefined {
    return unlessGone(() => lstatSync(at(fd, name), { bigint: true }));
  }
}

function isOpaque(fd: number): boolean {
  // The dot: attributes of what the descriptor leads to, and not of the link in /proc.
  const attributes = kernel.getXattrs(`/proc/self/fd/${String(fd)}/.`);
  return overlayNotes('opaque').some((name) => {
    const value = attributes.get(name);
    return value !== undefined && Buffer.from(value).toString() === 'y';
  });
}

function at(directory: number, name?: string): Buffer {
  const prefix = `/proc/self/fd/${String(directory)}`;
  return name === undefined
    ? Buffer.from(prefix)
    : Buffer.concat([Buffer.from(`${prefix}/`), Buffer.from(name, 'latin1')]);
}

/** undefined also for what has become a link or a file since it was seen. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}
