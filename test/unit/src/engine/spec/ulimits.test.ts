import { expect, test } from '@jest/globals';
import { parseUlimit } from '../../../../../src/engine/spec/ulimits.ts';

test.each([
  ['nofile=1024:2048', 1024, 2048],
  ['nofile=1024', 1024, 1024],
  ['nofile=-1', -1, -1],
  ['nofile=1024:-1', 1024, -1],
  ['nofile=-1:-1', -1, -1],
  ['nofile=0:0', 0, 0],
])('%s', (text, soft, hard) => {
  expect(parseUlimit(text)).toEqual({ name: 'nofile', soft, hard });
});

test("every type of Docker's is known", () => {
  const names =
    'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack';
  for (const name of names.split(' ')) expect(parseUlimit(`${name}=1`).name).toBe(name);
});

// Docker 26's own words.
test.each([
  ['foo=1', 'invalid ulimit type: foo'],
  ['as=1', 'invalid ulimit type: as'],
  ['NOFILE=1', 'invalid ulimit type: NOFILE'],
  ['toString=1', 'invalid ulimit type: toString'],
  ['nofile', 'invalid ulimit argument: nofile'],
  ['nofile=a', 'strconv.ParseInt: parsing "a": invalid syntax'],
  ['nofile=x1', 'strconv.ParseInt: parsing "x1": invalid syntax'],
  ['nofile=1x', 'strconv.ParseInt: parsing "1x": invalid syntax'],
  ['nofile=99999999999999999999', 'strconv.ParseInt: parsing "99999999999999999999": value out of range'],
  ['=1', 'invalid ulimit type: '],
  ['nofile=', 'strconv.ParseInt: parsing "": invalid syntax'],
  ['nofile=5:4', 'ulimit soft limit must be less than or equal to hard limit: 5 > 4'],
  [
    'nofile=-1:5',
    'ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 5',
  ],
  ['nofile=1:2:3', 'too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`'],
])('%s is refused', (text, words) => {
  expect(() => parseUlimit(text)).toThrow(
    expect.objectContaining({
      code: 'INVALID_ULIMIT',
      message: `invalid argument "${text}" for "--ulimit" flag: ${words}`,
      hint: expect.stringContaining(', nofile, '),
    }),
  );
});
