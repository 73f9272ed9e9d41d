import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { anything } from '../../../../../images/foreign/shape.ts';
import {
  overwriteFile,
  readRecord,
  readSmallFile,
  writeFileAtomic,
} from '../../../../../src/engine/state/atomic-file.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'atomic-file-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

describe('reading a small file', () => {
  // Around the size of its buffer, and with what takes several bytes.
  test.each(['', 'x', 'ü…😀', 'x'.repeat(16_383), 'x'.repeat(16_384), 'ü'.repeat(20_000)])(
    'gives all of it',
    (text) => {
      const path = join(dir, 'file');
      writeFileSync(path, text);
      expect(readSmallFile(path)).toBe(text);
    },
  );

  test('leaves nothing of the one before', () => {
    writeFileSync(join(dir, 'long'), 'a'.repeat(100));
    writeFileSync(join(dir, 'short'), 'b');
    expect(readSmallFile(join(dir, 'long'))).toHaveLength(100);
    expect(readSmallFile(join(dir, 'short'))).toBe('b');
  });

  test('fails as reading does', () => {
    expect(() => readSmallFile(join(dir, 'none'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => readSmallFile(dir)).toThrow(expect.objectContaining({ code: 'EISDIR' }));
  });
});

test('a file is replaced, not written over: a reader of the old one gets all of it', () => {
  const path = join(dir, 'file');
  writeFileSync(path, 'old');
  const old = openSync(path, 'r');
  try {
    writeFileAtomic(path, 'new', 0o640);
    expect(readFileSync(old, 'utf8')).toBe('old');
  } finally {
    closeSync(old);
  }
  expect([readSmallFile(path), statSync(path).mode & 0o777]).toEqual(['new', 0o640]);
  expect(readdirSync(dir)).toEqual(['file']);
});

test('where a file cannot be replaced, the new one does not stay beside it', () => {
  expect(() => writeFileAtomic(dir, 'new')).toThrow(expect.objectContaining({ code: 'EISDIR' }));
  expect(readdirSync(dir)).toEqual([]);
});

test('a link is refused, by reading and by writing over it', () => {
  const [target, link] = [join(dir, 'target'), join(dir, 'link')];
  writeFileSync(target, '{}');
  symlinkSync(target, link);
  expect(() => readSmallFile(link)).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  expect(() => readRecord(link, anything)).toThrow(`${link} is a symbolic link`);
  expect(() => overwriteFile(link, 'x')).toThrow(expect.objectContaining({ code: 'ELOOP' }));
  expect(readSmallFile(target)).toBe('{}');
});
