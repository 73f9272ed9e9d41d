import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogWriter } from '../../../../../src/engine/state/logs/log-file.ts';
import type { LogLoss } from '../../../../../src/engine/spec/container.ts';
import { LogReader, type LogReaderOptions } from '../../../../../src/engine/state/logs/log-reader.ts';
import type { LogStream, RecordKind } from '../../../../../src/engine/state/logs/log-record.ts';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'minidock-log-'));
  path = join(dir, 'container.log');
});

afterEach(() => rmSync(dir, { recursive: true }));

function write(...records: readonly (readonly [LogStream, string])[]): void {
  const writer = new LogWriter(path);
  for (const [stream, text] of records) writer.write(stream, Buffer.from(text));
  writer.close();
}

function readAll(options: LogReaderOptions = {}): readonly (readonly [RecordKind, string])[] {
  const reader = new LogReader(path, options);
  const found: [RecordKind, string][] = [];
  for (let record = reader.next(); record !== undefined; record = reader.next()) {
    found.push([record.kind, record.payload.toString()]);
  }
  reader.close();
  return found;
}

/** What `--tail lines` would print. */
function tail(lines: number): string {
  const reader = new LogReader(path, { tail: lines });
  const { skip } = reader;
  reader.close();
  const text = readAll({ tail: lines })
    .map(([, payload]) => payload)
    .join('');
  return text.split('\n').slice(skip).join('\n');
}

test('records come back in order, with their streams and times that do not go backwards', () => {
  const before = BigInt(Date.now()) * 1_000_000n;
  write([1, 'out\n'], [2, 'err\n'], [1, 'no newline']);
  expect(readAll()).toEqual([
    [1, 'out\n'],
    [2, 'err\n'],
    [1, 'no newline'],
  ]);
  const reader = new LogReader(path);
  const times = [reader.next(), reader.next(), reader.next()].map((record) => record?.time ?? 0n);
  reader.close();
  expect(times[0]).toBeGreaterThan(before - 1_000_000_000n);
  expect([...times].sort((a, b) => (a < b ? -1 : 1))).toEqual(times);
});

test('a log that is closed twice closes no descriptor of somebody else', () => {
  const writer = new LogWriter(path);
  writer.close();
  const other = openSync(path, 'r');
  writer.close();
  closeSync(other);
});

test('a reader goes on where it was when the log grows', () => {
  write([1, 'one\n']);
  const reader = new LogReader(path, { follow: true });
  expect(reader.next()?.payload.toString()).toBe('one\n');
  expect(reader.next()).toBeUndefined();
  write([1, 'two\n']);
  expect(reader.next()?.payload.toString()).toBe('two\n');
  reader.close();
});

test('a record larger than the read buffer is read whole', () => {
  const large = 'x'.repeat(3 << 20);
  write([1, 'a\n'], [1, large], [1, 'b\n']);
  expect(readAll().map(([, text]) => text.length)).toEqual([2, large.length, 2]);
});

describe('a record cut short by a crash', () => {
  test.each([1, 5, 20])(
    '%i bytes from its end: readers stop before it, the next writer removes it',
    (missing) => {
      write([1, 'whole\n'], [1, 'this one was cut\n']);
      truncateSync(path, statSync(path).size - missing);
      expect(readAll()).toEqual([[1, 'whole\n']]);
      expect(tail(5)).toBe('whole\n');
      write([1, 'next\n']);
      const damage: string[] = [];
      expect(readAll({ onDamage: (message) => damage.push(message) })).toEqual([
        [1, 'whole\n'],
        [1, 'next\n'],
      ]);
      expect(damage).toEqual([]);
    },
  );

  test('bytes that are no record at all are taken for one', () => {
    write([1, 'whole\n']);
    appendFileSync(path, Buffer.from([0, 0, 0, 9, 1]));
    expect(tail(1)).toBe('whole\n');
  });
});

describe('the last lines', () => {
  test.each([
    [0, ''],
    [1, 'e\n'],
    [2, 'd\ne\n'],
    [3, 'c\nd\ne\n'],
    [5, 'a\nb\nc\nd\ne\n'],
    [9, 'a\nb\nc\nd\ne\n'],
  ])('%i of five, spread over records', (lines, expected) => {
    write([1, 'a\nb\nc'], [1, '\nd\n'], [2, 'e\n']);
    expect(tail(lines)).toBe(expected);
  });

  test('a last line without a newline is a line', () => {
    write([1, 'a\nb\n'], [1, 'c']);
    expect(tail(1)).toBe('c');
    expect(tail(2)).toBe('b\nc');
  });

  test('none, and what comes next: all of it, also where a line was not ended yet', () => {
    write([1, 'one\nunfinished']);
    const reader = new LogReader(path, { tail: 0, follow: true });
    write([1, ' and ended\n']);
    expect([reader.skip, reader.next()?.payload.toString()]).toEqual([0, ' and ended\n']);
    reader.close();
  });

  test('an empty log has none', () => {
    write();
    expect(tail(3)).toBe('');
  });
});

test('where one stream stops within a line and the other goes on, --tail counts two', () => {
  write([1, 'one\ntwo\nunfinished'], [2, 'error\n']);
  expect(tail(1)).toBe('error\n');
  expect(tail(2)).toBe('unfinishederror\n');
  expect(tail(3)).toBe('two\nunfinishederror\n');
  expect(tail(9)).toBe('one\ntwo\nunfinishederror\n');
});

test('who does not follow reads what was there when it asked, and no more', () => {
  write([1, 'one\n']);
  const reader = new LogReader(path);
  write([1, 'two\n']);
  expect(reader.next()?.payload.toString()).toBe('one\n');
  expect(reader.next()).toBeUndefined();
  reader.close();
});

describe('a log of several files', () => {
  const LIMITS = { maxSize: 100, maxFiles: 3 };
  const line = (at: number): string => `line ${String(at).padStart(4, '0')}\n`;
  const lines = (first: number, last: number): string =>
    Array.from({ length: last - first + 1 }, (_, index) => line(first + index)).join('');

  // 27 bytes a record, three to a file.
  test('the oldest go, the others are read in order; --tail counts across them', () => {
    const writer = new LogWriter(path, LIMITS);
    for (let at = 1; at <= 20; at += 1) writer.write(1, Buffer.from(line(at)));
    writer.close();
    expect(readdirSync(dir).sort()).toEqual(['container.log', 'container.log.1', 'container.log.2']);
    const all = readAll().map(([, text]) => text);
    expect(all.join('')).toBe(lines(13, 20));
    for (let count = 0; count <= 8; count += 1)
      expect(tail(count)).toBe(count === 0 ? '' : lines(21 - count, 20));
    expect(tail(100)).toBe(lines(13, 20));
  });

  test('a follower misses nothing, however often another file is begun between two of its looks', () => {
    const writer = new LogWriter(path, { maxSize: 100, maxFiles: 50 });
    const reader = new LogReader(path, { follow: true });
    let text = '';
    for (let at = 1; at <= 60; at += 1) {
      writer.write(1, Buffer.from(line(at)));
      if (at % 7 !== 0) continue;
      for (let record = reader.next(); record !== undefined; record = reader.next())
        text += record.payload.toString();
    }
    for (let record = reader.next(); record !== undefined; record = reader.next())
      text += record.payload.toString();
    expect(text).toBe(lines(1, 60));
    writer.close();
    reader.close();
  });

  test('one file alone is begun anew', () => {
    const writer = new LogWriter(path, { maxSize: 100, maxFiles: 1 });
    for (let at = 1; at <= 7; at += 1) writer.write(1, Buffer.from(line(at)));
    writer.close();
    expect(readdirSync(dir)).toEqual(['container.log']);
    expect(
      readAll()
        .map(([, text]) => text)
        .join(''),
    ).toBe(lines(7, 7));
  });

  test('what was opened is read, also once the writer has deleted it', () => {
    const writer = new LogWriter(path, LIMITS);
    for (let at = 1; at <= 9; at += 1) writer.write(1, Buffer.from(line(at)));
    const reader = new LogReader(path);
    for (let at = 10; at <= 90; at += 1) writer.write(1, Buffer.from(line(at)));
    let text = '';
    for (let record = reader.next(); record !== undefined; record = reader.next())
      text += record.payload.toString();
    expect(text).toBe(lines(1, 9));
    writer.close();
    reader.close();
  });
});

describe('a log that is damaged', () => {
  test.each([
    ['at the beginning', 0, 'three\n'],
    ['in the middle', 22, 'one\nthree\n'],
  ])('%s: what can be read is, and the rest is reported', (_, at, expected) => {
    write([1, 'one\n'], [1, 'two two two two\n'], [1, 'three\n']);
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.alloc(at === 0 ? 30 : 10, 0xff), 0, at === 0 ? 30 : 10, at);
    closeSync(fd);
    const told: string[] = [];
    expect(
      readAll({ onDamage: (message) => told.push(message) })
        .map(([, text]) => text)
        .join(''),
    ).toBe(expected);
    expect(told).toEqual([
      expect.stringMatching(/container\.log is damaged: \d+ bytes from \d+ on hold no record/),
    ]);
    expect(tail(1)).toBe('three\n');
  });

  test('nothing but garbage: it is kept, and a new file begun', () => {
    writeFileSync(path, 'x'.repeat(500));
    write([1, 'new\n']);
    expect(readAll()).toEqual([[1, 'new\n']]);
  });
});

test('what the disk has no room for leaves a gap, which is reported', () => {
  const losses: LogLoss[] = [];
  const writer = new LogWriter(path, { maxSize: Infinity, maxFiles: 1 }, (loss) => losses.push(loss));
  writer.write(1, Buffer.from('before\n'));
  const { fd } = writer as unknown as { fd: number };
  const full = openSync('/dev/full', 'w');
  Object.assign(writer, { fd: full });
  writer.write(1, Buffer.from('lost\n'));
  writer.write(2, Buffer.from('lost too\n'));
  Object.assign(writer, { fd });
  writer.write(1, Buffer.from('after\n'));
  writer.close();
  closeSync(full);
  const all = readAll();
  expect(all.map(([kind]) => kind)).toEqual([1, 3, 1]);
  expect(all[1]?.[1]).toMatch(/^\[minidock: 14 bytes of output are missing here: .*(ENOSPC|EINVAL).*\]\n$/);
  expect(losses[0]).toMatchObject({ bytes: 5 });
  expect(losses.at(-1)).toMatchObject({ bytes: 14 });
});
