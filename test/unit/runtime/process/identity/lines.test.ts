import { fstatSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { fileParts, textParts, type Parts } from '../../../../../runtime/process/identity/lines.ts';

function all(parts: Parts): readonly string[] {
  const seen: string[] = [];
  parts((text) => {
    expect(text).toMatch(/^\n/);
    const lines = text.slice(1).split('\n');
    seen.push(...lines.map((line) => Buffer.from(line, 'latin1').toString()));
    return true;
  });
  return seen;
}

describe('the lines of a file', () => {
  test.each([
    ['', []],
    ['one', ['one']],
    ['one\ntwo\n', ['one', 'two']],
    ['\n\none\n\n', ['', '', 'one', '']],
  ])('%j', (text, lines) => {
    expect(all(textParts(text))).toEqual(lines);
  });

  test('are whole wherever the buffer ends', () => {
    for (const length of [65_533, 65_534, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073]) {
      const before = `${'x'.repeat(99)}\n`.repeat(Math.floor(length / 100));
      const rest = 'ü'.repeat(20);
      expect(all(textParts(`${before}${'y'.repeat(length % 100)}${rest}\nlast`)).slice(-2)).toEqual([
        `${'y'.repeat(length % 100)}${rest}`,
        'last',
      ]);
    }
  });

  test('one that is too long is passed over, and the next one is not', () => {
    for (const length of [65_536, 65_537, 200_000, 131_072]) {
      expect(all(textParts(`first\n${'x'.repeat(length)}\nnext\n`))).toEqual(['first', 'next']);
      expect(all(textParts(`first\n${'x'.repeat(length)}`))).toEqual(['first']);
      expect(all(textParts(`first\n${'x'.repeat(length)}\nnext`))).toEqual(['first', 'next']);
    }
    const longest = 'x'.repeat(65_535);
    expect(all(textParts(`first\n${longest}\nnext\n`))).toEqual(['first', longest, 'next']);
  });

  test('a newline that is all a part brings ends the line before it', () => {
    // The buffer has room for two more bytes behind this line.
    const line = 'b'.repeat(65_534);
    expect(all(textParts(`a\n${line}\nc\n`))).toEqual(['a', line, 'c']);
  });

  test('what a longer part has left in the buffer is no text', () => {
    expect(all(textParts(`${'x\n'.repeat(32_768)}yy`)).slice(-2)).toEqual(['x', 'yy']);
  });

  test('end when the callback says so', () => {
    let parts = 0;
    textParts('line\n'.repeat(100_000))(() => ++parts < 2);
    expect(parts).toBe(2);
  });
});

describe('a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lines-'));
  const path = join(dir, 'file');
  afterAll(() => rmSync(dir, { recursive: true }));

  const parts = fileParts(path, () => openSync(path, 'r'));

  test('that is none has no text', () => {
    expect(all(fileParts(path, () => undefined))).toEqual([]);
  });

  test('is read to its end', () => {
    writeFileSync(path, 'line\n'.repeat(100_000));
    expect(all(parts)).toHaveLength(100_000);
  });

  test('of any size that holes give it is refused, not read for ever', () => {
    writeFileSync(path, 'line\n');
    truncateSync(path, 2 ** 40);
    expect(() => all(parts)).toThrow(
      expect.objectContaining({
        code: 'FILE_TOO_LARGE',
        message: `${path} of the image is larger than 512 MB`,
      }),
    );
  });

  test('of 512 MB is read', () => {
    writeFileSync(path, 'line\n');
    truncateSync(path, 2 ** 29);
    expect(all(parts)).toEqual(['line']);
  });

  test('is closed, whatever happens', () => {
    writeFileSync(path, 'line\n');
    let fd = -1;
    const opened = fileParts(path, () => (fd = openSync(path, 'r')));
    all(opened);
    expect(() => fstatSync(fd)).toThrow('EBADF');
    expect(() =>
      opened(() => {
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(() => fstatSync(fd)).toThrow('EBADF');
  });
});
