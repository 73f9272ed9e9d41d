import { expect, test } from '@jest/globals';
import { formatCidr, parseCidr, type Cidr } from '../../../../runtime/network/ipv4.ts';
import { chooseSubnet, defaultPools, parseFibTrie, readRoutes } from '../../../../runtime/network/subnet.ts';

const routes = (...texts: string[]): readonly Cidr[] => texts.map((text) => parseCidr(text) as Cidr);

test("the pools are Docker's, in Docker's order", () => {
  const pools = defaultPools().map(formatCidr);
  expect(pools).toHaveLength(31);
  expect([pools[0], pools[14], pools[15], pools[16], pools[30]]).toEqual([
    '172.17.0.0/16',
    '172.31.0.0/16',
    '192.168.0.0/20',
    '192.168.16.0/20',
    '192.168.240.0/20',
  ]);
});

test.each([
  ['nothing', [], '172.17.0.0/16', '172.17.0.1'],
  ['another bridge', ['172.17.0.0/16'], '172.18.0.0/16', '172.18.0.1'],
  ['a single host within', ['172.17.200.9/32'], '172.18.0.0/16', '172.18.0.1'],
  ['the widest block that counts', ['172.0.0.0/8'], '192.168.0.0/20', '192.168.0.1'],
  ['a block around all of them', ['172.16.0.0/12'], '192.168.0.0/20', '192.168.0.1'],
  ['a home router', ['172.16.0.0/12', '192.168.1.0/24'], '192.168.16.0/20', '192.168.16.1'],
  [
    'the default route and the two halves of a VPN',
    ['0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1'],
    '172.17.0.0/16',
    '172.17.0.1',
  ],
])('clear of %s', (_, taken, subnet, gateway) => {
  expect(chooseSubnet(routes(...taken), [])).toEqual({ subnet, gateway });
});

test('clear of a name server that only a wide route leads to', () => {
  expect(chooseSubnet(routes('0.0.0.0/0'), ['172.17.0.53', 'fe80::1%eth0']).subnet).toBe('172.18.0.0/16');
});

test("with every pool taken the error has Docker's words", () => {
  expect(() => chooseSubnet(routes('172.16.0.0/12', '192.168.0.0/16'), [])).toThrow(
    expect.objectContaining({
      code: 'NO_SUBNET',
      message:
        'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    }),
  );
});

test('routes of all tables are read from the text of the trie, nodes and doubles left out', () => {
  const text = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.2
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 192.0.2.2
        /32 host LOCAL
Id 200:
  |-- 10.0.0.0
     /8 universe UNICAST
     /9 universe UNICAST
`;
  expect(parseFibTrie(text).map(formatCidr)).toEqual([
    '0.0.0.0/0',
    '192.0.2.0/24',
    '192.0.2.2/32',
    '192.0.2.255/32',
    '10.0.0.0/8',
    '10.0.0.0/9',
  ]);
});

test.each([
  ['x |-- 192.0.2.0\n/24 link UNICAST\n'],
  ['|-- 192.0.2.0 x\n/24 link UNICAST\n'],
  ['|-- 192.0.2.0\nx /24 link UNICAST\n'],
  ['|-- 192.0.2.0\n/24 link 5\n'],
])('%j is no route', (text) => {
  expect(parseFibTrie(text)).toEqual([]);
});

test("this host's own name servers are kept clear of where nobody gives any", () => {
  expect(chooseSubnet([]).gateway).toMatch(/^(172|192)\.\d+\.\d+\.1$/);
});

test("this machine's own routes have loopback among them", () => {
  expect(readRoutes().map(formatCidr)).toContain('127.0.0.0/8');
});
