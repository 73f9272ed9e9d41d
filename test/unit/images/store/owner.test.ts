import { expect, test } from '@jest/globals';
import { isOwnerAlive, ownerTag } from '../../../../images/store/owner.ts';
import { deadOwner } from '../../../support/kernel/dead-owner.ts';

test('a pid that is in use again is another owner', () => {
  const [pid = '', start = ''] = ownerTag().split('.');
  expect(isOwnerAlive(`${pid}.${start}.1`)).toBe(true);
  expect(isOwnerAlive(`${pid}.${String(Number(start) - 1)}.1`)).toBe(false);
  expect(isOwnerAlive(deadOwner())).toBe(false);
});
