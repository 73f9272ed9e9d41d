import { expect, test } from '@jest/globals';
import { RULES, RULES_VERSION, SETS } from '../../../../../runtime/network/firewall/nftables.ts';
import { RULES6, RULES6_VERSION, SETS6 } from '../../../../../runtime/network/firewall/nftables6.ts';

const text = (number: number): string => `0x${number.toString(16)}`;

test.each([
  ['IPv4', SETS, RULES, RULES_VERSION],
  ['IPv6', SETS6, RULES6, RULES6_VERSION],
])(
  'the version of %s is that of the rules as they are: a host with older ones gets these',
  (_, sets, rules, version) => {
    // FNV-1a, see http://www.isthe.com/chongo/tech/comp/fnv/
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(JSON.stringify([sets, rules]))) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
    expect(text(version)).toBe(text(hash));
  },
);
