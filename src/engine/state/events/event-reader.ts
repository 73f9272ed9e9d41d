/**
 * Reading the event log (event-log.ts) while others add to it and turn its files over. A file is known by its inode,
 * whatever it is called by now: what was begun is read to its end, also what a slow writer adds to it after it was
 * renamed. Lines that are none of ours, or half of one, are left out.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { line, mapOf, record, text, form, type Shape } from '../../../../images/foreign/shape.ts';
import { ensurePrivateDir } from '../../../io/private-dir.ts';
import { watchDirectory } from '../../../io/watch-directory.ts';
import { eventsDir, type Paths } from '../paths.ts';
import { eventFile, OLDER, type Attributes } from './event-log.ts';

export interface RecordedEvent {
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly type: string;
  readonly action: string;
  readonly id: string;
  readonly attributes: Attributes;
}

interface Line {
  readonly time: string;
  readonly type: string;
  readonly action: string;
  readonly id: string;
  readonly attributes: Attributes;
}

const shape: Shape<Line> = record<Line>({
  time: form('nanoseconds', 'times', (found) => /^\d{1,19}$/.test(found)),
  type: line,
  action: text,
  id: text,
  attributes: mapOf(text),
});

interface Open {
  readonly fd: number;
  /** The beginning of a line whose end is not there yet. */
  rest: string;
}

const CHUNK = 1 << 16;

export class EventReader {
  /** By inode. */
  private files = new Map<number, Open>();

  constructor(private readonly paths: Paths) {}

  /** What has been added since the last look, in the order of time. */
  read(): readonly RecordedEvent[] {
    const known = new Map(this.files);
    const files = new Map<number, Open>();
    // Newest first. What is turned over meanwhile is met again under its next name, and not missed.
    for (let age = 0; age <= OLDER; age += 1) {
      const found = this.open(eventFile(this.paths, age));
      if (found !== undefined) files.set(found.inode, found.file);
    }
    const dropped = [...known].filter(([inode]) => !files.has(inode)).map(([, file]) => file);
    // Newest first again: who adds to one and then to the next newer has added to both when the newer one is read.
    const events = [...files.values(), ...dropped].map((file) => readNew(file));
    for (const { fd } of dropped) closeSync(fd);
    this.files = files;
    return events
      .reverse()
      .flat()
      .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }

  /** Calls back after each change, at least; until what it returns is called. */
  watch(changed: () => void): () => void {
    ensurePrivateDir(eventsDir(this.paths));
    return watchDirectory(eventsDir(this.paths), changed);
  }

  close(): void {
    for (const { fd } of this.files.values()) closeSync(fd);
    this.files.clear();
  }

  private open(path: string): { readonly inode: number; readonly file: Open } | undefined {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      // None yet, or a link in its place, which minidock never makes.
      if (['ENOENT', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
    const inode = fstatSync(fd).ino;
    const known = this.files.get(inode);
    if (known !== undefined) closeSync(fd);
    const file = known ?? { fd, rest: '' };
    this.files.set(inode, file);
    return { inode, file };
  }
}

function readNew(file: Open): readonly RecordedEvent[] {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const length = readSync(file.fd, chunk);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
  }
  if (chunks.length === 0) return [];
  // Bytes as characters: a character's bytes may come in two reads.
  const lines = `${file.rest}${Buffer.concat(chunks).toString('latin1')}`.split('\n');
  file.rest = lines.pop() ?? '';
  return lines.flatMap((found) => parse(Buffer.from(found, 'latin1').toString()) ?? []);
}

function parse(text: string): RecordedEvent | undefined {
  if (text === '') return undefined;
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (shape.find(found, '') !== undefined) return undefined;
  const { time, type, action, id, attributes } = found as Line;
  return { time: BigInt(time), type, action, id, attributes };
}
