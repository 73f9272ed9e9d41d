/** Ranges of user ids: none is given twice, none is somebody's, and what is released is free. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  acquireIds,
  leasedIds,
  mappingTo,
  peekIds,
  readSubordinateIds,
  releaseIds,
} from '../../../../../runtime/process/identity/id-ranges.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

const owner = (digit: string): string => digit.repeat(64);

test('each owner gets a range of its own, above sssd’s and below 2^31', () => {
  const dir = temporaryDirectory();
  const taken = Array.from({ length: 20 }, () => acquireIds(dir, owner('a'), []));
  expect(new Set(taken).size).toBe(20);
  for (const first of taken) {
    expect(first % 65536).toBe(0);
    expect(first).toBeGreaterThan(2_000_200_000);
    expect(first + 65535).toBeLessThan(0x7ffe0000);
  }
  expect(mappingTo(taken[0] ?? 0)).toEqual({ containerID: 0, hostID: taken[0], size: 65536 });
});

test('what is peeked is what is taken, two owners begin elsewhere, and releasing frees', () => {
  const dir = temporaryDirectory();
  const first = peekIds(dir, owner('a'), []);
  expect(acquireIds(dir, owner('a'), [])).toBe(first);
  const second = acquireIds(dir, owner('b'), []);
  expect(Math.abs(second - first)).toBeGreaterThan(65536);
  expect(leasedIds(dir)).toEqual(
    new Map([
      [first, owner('a')],
      [second, owner('b')],
    ]),
  );
  releaseIds(dir, owner('a'));
  expect([...leasedIds(dir).keys()]).toEqual([second]);
  expect(acquireIds(dir, owner('a'), [])).toBe(first);
});

test('a range of /etc/subuid is left out', () => {
  const dir = temporaryDirectory();
  const first = peekIds(dir, owner('a'), []);
  const file = join(dir, 'subuid');
  writeFileSync(file, `# people\njoe:${String(first + 65535)}:1\nbad line\nann:100000:65536\n`);
  const foreign = readSubordinateIds([file, join(dir, 'missing')]);
  expect(foreign).toEqual([
    { first: first + 65535, size: 1 },
    { first: 100000, size: 65536 },
  ]);
  expect(acquireIds(join(dir, 'ids'), owner('a'), foreign)).toBe(first + 65536);
});

test('when none is left it says so', () => {
  const all = [{ first: 0, size: 2 ** 32 }];
  expect(() => acquireIds(temporaryDirectory(), owner('a'), all)).toThrow(
    'ranges of user ids for containers are taken',
  );
});
