import { expect, test } from '@jest/globals';
import { findForeign, parseChains, planDockerUser } from '../../../../../runtime/network/firewall/foreign.ts';
import { warnOfForeign } from '../../../../../src/engine/network/foreign-warnings.ts';

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

test('what has nothing to do with forwarding IPv4 is left out', () => {
  expect(find(chain('minidock', 'forward', 'drop'), chain('filter', 'FORWARD', 'drop', 'ip6'))).toEqual([]);
});

test('each firewall that is not ours to change gets one line with what to type', () => {
  const warn = (kind: 'ufw' | 'firewalld', backend: 'nftables' | 'iptables'): string =>
    warnOfForeign([{ kind }], backend, 'minidock0').join();
  expect(warn('ufw', 'nftables')).toContain(
    'ufw route allow in on minidock0 && ufw route allow out on minidock0',
  );
  expect(warn('ufw', 'iptables')).toBe('');
  expect(warn('firewalld', 'iptables')).toContain('firewall-cmd --zone=trusted --change-interface=minidock0');
  const own = { kind: 'chain', family: 'inet', table: 'filter', chain: 'forward' } as const;
  expect(warnOfForeign([own], 'iptables', 'minidock0')).toHaveLength(1);
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
});
