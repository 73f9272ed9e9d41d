import { expect, test } from '@jest/globals';
import { RULES, RULES_VERSION, SETS } from '../../../../../runtime/network/firewall/nftables.ts';

test('the version is that of the rules as they are: a host with older ones gets these', () => {
  // FNV-1a, see http://www.isthe.com/chongo/tech/comp/fnv/
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify([SETS, RULES]))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  expect(`RULES_VERSION = 0x${RULES_VERSION.toString(16)}`).toBe(`RULES_VERSION = 0x${hash.toString(16)}`);
});
