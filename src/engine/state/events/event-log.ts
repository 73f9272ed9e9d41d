/**
 * The event log: what happened to containers, images, networks and volumes, for `events`. Each
 * command and each shim appends a line to a file for what it does; event-reader.ts reads it. No daemon takes part.
 *
 *     RUN/events/log      one event a line, added to with one write(2) of O_APPEND: no lock, no fsync
 *     RUN/events/log.1    the one before it, and so on up to log.3
 *
 * Each write begins and ends with a newline, so that half a line, left by a full file system, does not spoil the next.
 * A failure to write the log does not fail the command.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { kernel } from '../../../../runtime/syscall/libc.ts';
import { errnoOf } from '../../../../runtime/syscall/error.ts';
import { ensurePrivateDir } from '../../../io/private-dir.ts';
import { nowNs } from '../../spec/time.ts';
import { eventsDir, type Paths } from '../paths.ts';

export type EventType = 'container' | 'image' | 'network' | 'volume' | 'builder';

export type Attributes = Readonly<Record<string, string>>;

export interface NewEvent {
  readonly type: EventType;
  /** Docker's word: 'start', 'die', 'exec_create: sh -c true'. */
  readonly action: string;
  /** Of the container or network; the name of a volume, the name or id of an image. */
  readonly id: string;
  readonly attributes: Attributes;
  /** Nanoseconds since the epoch; now, if left out. */
  readonly time?: bigint;
}

/** Bytes of a file before the next one is begun: some four thousand events. */
const LARGEST_FILE = 1 << 20;
/** Older files that are kept. */
export const OLDER = 3;
/** Characters of a line; of an event with more the attributes with the longest values are left out. */
const LONGEST_LINE = 1 << 16;
/** Of an action, which has the whole command of an exec and of a health check. */
const LONGEST_ACTION = 1 << 12;

export const eventFile = (paths: Paths, age = 0): string =>
  `${eventsDir(paths)}/log${age === 0 ? '' : `.${String(age)}`}`;

export const recordEvent = (paths: Paths, event: NewEvent): void => recordEvents(paths, [event]);

/** Several at once are one write. Never throws: no command fails because its event cannot be recorded. */
export function recordEvents(paths: Paths, events: readonly NewEvent[]): void {
  if (events.length === 0) return;
  const text = events.map((event) => `\n${toLine(event)}\n`).join('');
  try {
    append(paths, text);
  } catch (error) {
    // A full disk, a read-only one, or another file in its place. An error without a code is a mistake of our own.
    if (errnoOf(error) === '' && (error as { code?: unknown }).code === undefined) throw error;
  }
}

function append(paths: Paths, text: string): void {
  const fd = openLog(paths);
  try {
    writeSync(fd, text);
    if (fstatSync(fd).size > LARGEST_FILE) rotate(paths, fd);
  } finally {
    closeSync(fd);
  }
}

function openLog(paths: Paths): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  const open = (): number =>
    openSync(eventFile(paths), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    return open();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    ensurePrivateDir(eventsDir(paths));
    return open();
  }
}

/** By one process: who gets the lock of a file that is still called `log`. The lock goes with the descriptor. */
function rotate(paths: Paths, fd: number): void {
  if (!kernel.flock(fd, false)) return;
  if (lstatSync(eventFile(paths), { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino) return;
  for (let age = OLDER; age > 0; age -= 1) {
    try {
      renameSync(eventFile(paths, age - 1), eventFile(paths, age));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

function toLine({ type, action: given, id, attributes, time = nowNs() }: NewEvent): string {
  const action = given.length > LONGEST_ACTION ? `${given.slice(0, LONGEST_ACTION)}...` : given;
  const line = (kept: Attributes): string =>
    JSON.stringify({ time: String(time), type, action, id, attributes: kept });
  const whole = line(attributes);
  return whole.length <= LONGEST_LINE ? whole : line(shortestOf(attributes));
}

/** Labels may be of any length; the name and the image of a container are not. */
function shortestOf(attributes: Attributes): Attributes {
  const kept: Record<string, string> = {};
  let room = LONGEST_LINE / 2;
  const byLength = Object.entries(attributes).sort(([a, one], [b, other]) =>
    a.length + one.length < b.length + other.length ? -1 : 1,
  );
  for (const [name, value] of byLength) {
    room -= name.length + value.length;
    if (room > 0) kept[name] = value;
  }
  return kept;
}
