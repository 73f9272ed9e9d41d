import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTail, LogReader, LogWriter, type LogStream } from '../../../../src/engine/log-file.ts';

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

function readAll(offset = 0): readonly (readonly [LogStream, string])[] {
  const reader = new LogReader(path, offset);
  const found: [LogStream, string][] = [];
  for (let record = reader.next(); record !== undefined; record = reader.next()) {
    found.push([record.stream, record.payload.toString()]);
  }
  reader.close();
  return found;
}

/** What `--tail lines` would print. */
function tail(lines: number): string {
  const { offset, skip } = findTail(path, lines);
  const text = readAll(offset)
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

test('a reader goes on where it was when the log grows', () => {
  write([1, 'one\n']);
  const reader = new LogReader(path);
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
      expect(readAll()).toEqual([
        [1, 'whole\n'],
        [1, 'next\n'],
      ]);
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
