/**
 * Removes a directory and all below it, in time that grows with the number of entries and not with their depth: a
 * container may have left a chain of 60,000 directories, longer than any path. So nothing is walked down. Each
 * directory that is found is renamed into the top one, under a number, and waits there for its turn; then the tree
 * is two levels deep whatever it was.
 *
 * A name is only ever the last component after a descriptor, and none of the calls here follows a link there, so
 * swapping directories for links cannot mislead it. Mount points cannot be renamed: what is mounted stays. Several
 * may remove the same tree at once. Names are bytes: not all of them are text.
 */
import { closeSync, constants, openSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { errnoOf } from '../../../runtime/syscall/error.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Between two looks at the clock. */
const ENTRIES_A_LOOK = 64;
/** Only a process that keeps adding to the tree causes so many. */
const MAX_PASSES = 1000;

/** `deadline` as performance.now() has it. False if it came first: another call goes on from there. @throws of node:fs. */
export function removeTree(path: string, deadline = Infinity): boolean {
  const top = openDirectory(path);
  if (top === 'none') return true;
  if (top === 'no directory') return attempt(() => unlinkSync(path)).failure === undefined;
  try {
    return new Removal(top, deadline).run(path);
  } finally {
    closeSync(top);
  }
}

class Removal {
  /** Directories in the top one that wait for their turn. */
  private readonly waiting: Buffer[] = [];
  private numbers = 0;
  private entries = 0;
  private removed = 0;
  private failure: Error | undefined;

  constructor(
    private readonly top: number,
    private readonly deadline: number,
  ) {}

  run(path: string): boolean {
    for (let pass = 1; ; pass++) {
      if (!this.pass()) return false;
      const { failure } = attempt(() => rmdirSync(path));
      if (failure === undefined) return true;
      // Another pass for what others put there meanwhile, but not for what does not go.
      if (errnoOf(failure) !== 'ENOTEMPTY' || pass === MAX_PASSES) throw failure;
      if (this.failure !== undefined && this.removed === 0) throw this.failure;
    }
  }

  private pass(): boolean {
    this.removed = 0;
    this.failure = undefined;
    return this.clear(this.top) && this.clearWaiting();
  }

  private clearWaiting(): boolean {
    for (let name = this.waiting.pop(); name !== undefined; name = this.waiting.pop()) {
      const path = at(this.top, name);
      const fd = openDirectory(path);
      if (fd === 'none') continue;
      if (fd === 'no directory') {
        this.note(attempt(() => unlinkSync(path)));
        continue;
      }
      try {
        if (!this.clear(fd)) return false;
      } finally {
        closeSync(fd);
      }
      // ENOTEMPTY comes from an earlier failure, or from a process that adds to it.
      const done = attempt(() => rmdirSync(path));
      if (errnoOf(done.failure) !== 'ENOTEMPTY') this.note(done);
    }
    return true;
  }

  /** Files go, directories are put into the top one. False if the deadline came. */
  private clear(directory: number): boolean {
    for (const name of readdirSync(at(directory), { encoding: 'buffer' })) {
      if (this.entries++ % ENTRIES_A_LOOK === 0 && performance.now() >= this.deadline) return false;
      const path = at(directory, name);
      const done = attempt(() => unlinkSync(path));
      if (errnoOf(done.failure) === 'EISDIR') this.moveUp(path);
      else this.note(done);
    }
    return true;
  }

  private moveUp(path: Buffer): void {
    for (;;) {
      const name = Buffer.from(`${String(process.pid)}-${String(this.numbers++)}`);
      const { failure } = attempt(() => renameSync(path, at(this.top, name)));
      // The number is taken: by a killed removal, or by a file of this tree with that name.
      if (['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR'].includes(errnoOf(failure))) continue;
      if (failure === undefined) this.waiting.push(name);
      else this.failure ??= failure;
      return;
    }
  }

  private note({ failure }: Attempt): void {
    if (failure === undefined) this.removed++;
    else this.failure ??= failure;
  }
}

/** No path walked by name but this: the descriptor, which no rename moves, and one component. */
function at(directory: number, name?: Buffer): Buffer {
  const prefix = `/proc/self/fd/${String(directory)}`;
  return name === undefined ? Buffer.from(prefix) : Buffer.concat([Buffer.from(`${prefix}/`), name]);
}

function openDirectory(path: string | Buffer): number | 'none' | 'no directory' {
  try {
    return openSync(path, DIRECTORY);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'none';
    if (['ENOTDIR', 'ELOOP'].includes(errnoOf(error))) return 'no directory';
    throw error;
  }
}

interface Attempt {
  readonly failure?: Error;
}

/** What another has removed already is removed. */
function attempt(action: () => void): Attempt {
  try {
    action();
    return {};
  } catch (failure) {
    return errnoOf(failure) === 'ENOENT' ? {} : { failure: failure as Error };
  }
}
