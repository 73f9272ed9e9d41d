import { expect, test } from '@jest/globals';
import {
  concerns,
  findForeign,
  parseChains,
  planDockerUser,
} from '../../../../../runtime/network/firewall/foreign.ts';
import { warnOfForeign } from '../../../../../src/engine/network/foreign-warnings.ts';

const IPV4 = { bridge: 'minidock0', subnet: '172.17.0.0/16' };
const chain = (table: string, name: string, policy?: string, family = 'ip'): object => ({
  chain: {
    family,
    table,
    name,
    handle: 1,
    ...(policy === undefined ? {} : { type: 'filter', hook: 'forward', prio: 0, policy }),
  },
});
const find = (...chains: object[]): unknown =>
  findForeign(parseChains(JSON.stringify({ nftables: [{ metainfo: { version: '1.1.3' } }, ...chains] })));

test('the chains beside the dropping one show which firewall drops', () => {
  expect(find(chain('filter', 'FORWARD', 'accept'))).toEqual([]);
  expect(find(chain('filter', 'FORWARD', 'drop'), chain('filter', 'DOCKER-USER'))).toEqual([
    { kind: 'docker' },
  ]);
  expect(find(chain('filter', 'FORWARD', 'drop'), chain('filter', 'ufw-before-forward'))).toEqual([
    { kind: 'ufw' },
  ]);
  expect(find(chain('firewalld', 'filter_FORWARD', 'accept', 'inet'))).toEqual([{ kind: 'firewalld' }]);
  expect(find(chain('filter', 'forward', 'drop', 'inet'))).toEqual([
    { kind: 'chain', family: 'inet', table: 'filter', chain: 'forward' },
  ]);
});

test('our own table is left out, and what filters IPv6 concerns networks with IPv6', () => {
  expect(find(chain('minidock', 'forward', 'drop'))).toEqual([]);
  const six = chain('filter', 'FORWARD', 'drop', 'ip6');
  const other = { kind: 'chain', family: 'ip6', table: 'filter', chain: 'FORWARD' } as const;
  expect(find(six)).toEqual([other]);
  expect(find(six, chain('filter', 'DOCKER-USER', undefined, 'ip6'))).toEqual([
    { kind: 'docker', family: 'ip6' },
  ]);
  expect(
    find(
      chain('filter', 'FORWARD', 'drop'),
      chain('filter', 'ufw-before-forward'),
      six,
      chain('filter', 'ufw6-before-forward', undefined, 'ip6'),
    ),
  ).toEqual([{ kind: 'ufw' }]);
  const ipv6 = { subnet: 'fd00::/64', gateway: 'fd00::1' };
  const both = { ...IPV4, ipv6 };
  expect([both, IPV4, { ...both, subnet: '' }].map((network) => concerns(other, network))).toEqual([
    true,
    false,
    true,
  ]);
  expect(warnOfForeign([other], 'nftables', both).join()).toContain(
    'table ip6 filter drops forwarded packets of IPv6',
  );
  expect(warnOfForeign([other], 'nftables', IPV4)).toEqual([]);
  expect(concerns({ ...other, family: 'ip' }, { subnet: '', ipv6 })).toBe(false);
  expect(concerns({ ...other, family: 'inet' }, { subnet: '', ipv6 })).toBe(true);
});

test('each firewall that is not ours to change gets one line with what to type', () => {
  const warn = (kind: 'ufw' | 'firewalld', backend: 'nftables' | 'iptables'): string =>
    warnOfForeign([{ kind }], backend, IPV4).join();
  expect(warn('ufw', 'nftables')).toContain(
    'ufw route allow in on minidock0 && ufw route allow out on minidock0',
  );
  expect(warn('ufw', 'iptables')).toBe('');
  expect(warn('firewalld', 'iptables')).toContain('firewall-cmd --zone=trusted --change-interface=minidock0');
  const own = { kind: 'chain', family: 'inet', table: 'filter', chain: 'forward' } as const;
  expect(warnOfForeign([own], 'iptables', IPV4)).toHaveLength(1);
});

test("Docker's chain is asked only where Docker is", () => {
  const network = {
    id: 'n',
    name: 'bridge',
    bridge: 'minidock0',
    subnet: '172.17.0.0/16',
    gateway: '172.17.0.1',
    created: '',
  };
  expect(planDockerUser(network, [{ kind: 'ufw' }])).toEqual([]);
  expect(planDockerUser(network, [{ kind: 'docker' }])).toHaveLength(1);
  const six = [{ kind: 'docker', family: 'ip6' }] as const;
  expect(planDockerUser(network, six)).toEqual([]);
  expect(planDockerUser(network, six, 'ip6')).toHaveLength(1);
});
