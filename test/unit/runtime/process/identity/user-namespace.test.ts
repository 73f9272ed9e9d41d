import { expect, test } from '@jest/globals';
import { lastMapped } from '../../../../../runtime/process/identity/user-namespace.ts';

test.each([
  ['         0 1879048192      65536\n', 65535],
  ['         0       1000          1\n         1     100000      65536\n', 65536],
  ['         1     100000      65536\n         0       1000          1\n', 65536],
  ['         0       1000          1\n      1000     100000      65536\n', 0],
])('%j: ids from 0 to %d are there', (map, last) => {
  expect(lastMapped(map)).toBe(last);
});
