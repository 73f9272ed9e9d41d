/** Variables and labels, from flags and files, in the order that Docker's `env` and `inspect` show. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mergeEnv, parseEnv, parseLabels } from '../../../../../src/engine/spec/env-flags.ts';

test('flags come first, then what of the image no flag sets', () => {
  expect(mergeEnv(['PATH=/bin', 'COLOUR=blue', 'SHAPE=round'], ['A=b', 'COLOUR=red'])).toEqual([
    'A=b',
    'COLOUR=red',
    'PATH=/bin',
    'SHAPE=round',
  ]);
  expect(mergeEnv(['A=1'], ['A='])).toEqual(['A=']);
  // Without an equals sign the whole entry is the name; before one there may be nothing.
  expect(mergeEnv(['AB=1', '=x', 'AB'], ['AB'])).toEqual(['AB', '=x']);
  expect(mergeEnv(['=x'], ['=y', '=x=z'])).toEqual(['=y', '=x=z']);
});

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'env-'))));
afterAll(() => rmSync(directory, { recursive: true }));

function file(text: string): string {
  const path = join(directory, 'file');
  writeFileSync(path, text);
  return path;
}

describe('variables', () => {
  test('those of files come before those of flags', () => {
    expect(parseEnv(['A=1', 'B=', 'C=x=y'], [file('D=1\nE=2\n')])).toEqual([
      'D=1',
      'E=2',
      'A=1',
      'B=',
      'C=x=y',
    ]);
  });

  test("a name alone has this process's value, or is left out", () => {
    process.env['MINIDOCK_TEST_HELD'] = 'here=there';
    try {
      expect(parseEnv(['MINIDOCK_TEST_HELD', 'MINIDOCK_TEST_MISSING'], [])).toEqual([
        'MINIDOCK_TEST_HELD=here=there',
      ]);
      expect(parseEnv([], [file('MINIDOCK_TEST_HELD\nMINIDOCK_TEST_MISSING\n')])).toEqual([
        'MINIDOCK_TEST_HELD=here=there',
      ]);
    } finally {
      delete process.env['MINIDOCK_TEST_HELD'];
    }
  });

  test('a file has comments, indents, empty lines, the ends of lines and the mark of Windows', () => {
    const text = '\uFEFF# first\r\nA=1\r\n\r\n  B=2 \n\t# second\nC=\uFEFF#3\n';
    expect(parseEnv([], [file(text)])).toEqual(['A=1', 'B=2 ', 'C=\uFEFF#3']);
    expect(parseEnv([], [file('C=\uFEFF#3\n')])).toEqual(['C=\uFEFF#3']);
  });

  test.each(['=1', ''])('%j has no name', (entry) => {
    expect(() => parseEnv([entry], [])).toThrow(
      expect.objectContaining({
        code: 'INVALID_FLAG',
        message: `invalid argument "${entry}" for "-e, --env" flag: invalid environment variable: ${entry}`,
      }),
    );
  });

  test('a name of a file holds no space, one of a flag may', () => {
    expect(parseEnv(['A B=1'], [])).toEqual(['A B=1']);
    const path = file('A B=1\n');
    expect(() => parseEnv([], [path])).toThrow(
      expect.objectContaining({
        message: "poorly formatted environment: variable 'A B' contains whitespaces",
        hint: `The line is in ${path}.`,
      }),
    );
  });

  test.each([
    [79, ''],
    [80, '…'],
  ])('a name of %d letters and a space is shown up to its eightieth', (length, end) => {
    expect(() => parseEnv([], [file(`${'x'.repeat(length)} ${end}=1\n`)])).toThrow(
      `variable '${'x'.repeat(length)}${end === '' ? ' ' : end}' contains whitespaces`,
    );
  });

  test('a file that is not there', () => {
    const path = join(directory, 'nowhere');
    expect(() => parseEnv([], [path])).toThrow(
      expect.objectContaining({
        message: `open ${path}: no such file or directory`,
        hint: 'The path was given with --env-file.',
      }),
    );
  });
});

describe('labels', () => {
  test('a later one replaces an earlier one, and flags those of files', () => {
    expect(parseLabels(['a=1', 'b', 'a=2', 'c=x=y'], [file('a=0\nd=4\n')])).toEqual({
      a: '2',
      b: '',
      c: 'x=y',
      d: '4',
    });
  });

  test('one without a name is refused', () => {
    expect(() => parseLabels(['=1'], [])).toThrow(
      `invalid argument "=1" for "-l, --label" flag: invalid label '=1': empty name`,
    );
  });

  test('a file that is not there', () => {
    expect(() => parseLabels([], [join(directory, 'nowhere')])).toThrow(
      expect.objectContaining({ hint: 'The path was given with --label-file.' }),
    );
  });
});
