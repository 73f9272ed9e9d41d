/** The plan of a container's network, word for word: order, commands, and how each step is taken back. */
import { describe, expect, test } from '@jest/globals';
import { planBridgeEndpoint, planNoneEndpoint } from '../../../../runtime/network/plan.ts';
import type { BridgeEndpoint, FirewallBackend } from '../../../../runtime/network/types.ts';
import { splitNetwork } from '../../../../src/engine/plans/run-plan.ts';
import { renderCommand } from '../../../../runtime/plan/render.ts';
import type { HostStep } from '../../../../runtime/plan/step.ts';

const endpoint = (firewall: FirewallBackend, ipv6 = true): BridgeEndpoint => ({
  containerId: '0123456789ab'.padEnd(64, '0'),
  netns: 'md-0123456789ab',
  network: {
    id: 'f'.repeat(64),
    name: 'bridge',
    bridge: 'minidock0',
    subnet: '172.17.0.0/16',
    gateway: '172.17.0.1',
    created: '2024-01-01T00:00:00Z',
  },
  address: '172.17.0.2',
  macAddress: '02:42:ac:11:00:02',
  hostVeth: 'mdv0123456789ab',
  interfaceName: 'eth0',
  ports: [
    { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostIp: '127.0.0.1', hostPort: 5300, containerPort: 53, protocol: 'udp' },
    { hostIp: '127.0.0.1', hostPort: 5301, containerPort: 54, protocol: 'udp' },
  ],
  firewall,
  ipv6,
});

const command = ({ command }: HostStep): string => {
  if (command.kind === 'write') return `${command.path} = ${command.text}`;
  return command.kind === 'run' ? command.argv.join(' ') : command.kind;
};
const undo = ({ undo }: HostStep): string => {
  if (undo.kind !== 'command') return undo.kind === 'freedBy' ? `freed by ${undo.step}` : undo.kind;
  return undo.command.kind === 'run' ? undo.command.argv.join(' ') : renderCommand(undo.command);
};
const table = (steps: readonly HostStep[]): readonly (readonly string[])[] =>
  steps.map((step) => [step.id, command(step), undo(step)]);

const WIRING = [
  ['netns.create', 'ip netns add md-0123456789ab', 'ip netns delete md-0123456789ab'],
  ['bridge.create', 'ip link add name minidock0 address 0a:42:ff:ff:ff:ff type bridge', 'shared'],
  ['bridge.disable-ipv6', '/proc/sys/net/ipv6/conf/minidock0/disable_ipv6 = 1', 'shared'],
  ['bridge.refuse-routers', '/proc/sys/net/ipv6/conf/minidock0/accept_ra = 0', 'shared'],
  ['bridge.address', 'ip address add 172.17.0.1/16 dev minidock0', 'shared'],
  ['bridge.up', 'ip link set minidock0 up', 'shared'],
  ['bridge.localnet', '/proc/sys/net/ipv4/conf/minidock0/route_localnet = 1', 'shared'],
  [
    'veth.create',
    'ip link add mdv0123456789ab type veth peer name eth0 address 02:42:ac:11:00:02 netns md-0123456789ab',
    'freed by netns.create',
  ],
  ['veth.attach', 'ip link set mdv0123456789ab master minidock0', 'freed by netns.create'],
  ['veth.hairpin', 'ip link set mdv0123456789ab type bridge_slave hairpin on', 'freed by netns.create'],
  ['veth.up', 'ip link set mdv0123456789ab up', 'freed by netns.create'],
  ['veth.disable-ipv6', '/proc/sys/net/ipv6/conf/mdv0123456789ab/disable_ipv6 = 1', 'freed by netns.create'],
  ['veth.refuse-routers', '/proc/sys/net/ipv6/conf/mdv0123456789ab/accept_ra = 0', 'freed by netns.create'],
  [
    'address.assign',
    'ip -n md-0123456789ab address add 172.17.0.2/16 brd + dev eth0',
    'freed by netns.create',
  ],
  ['loopback.up', 'ip -n md-0123456789ab link set lo up', 'freed by netns.create'],
  ['link.up', 'ip -n md-0123456789ab link set eth0 up', 'freed by netns.create'],
  ['route.default', 'ip -n md-0123456789ab route add default via 172.17.0.1', 'freed by netns.create'],
  ['forwarding.enable', '/proc/sys/net/ipv4/ip_forward = 1', 'shared'],
];

test('the nftables back-end', () => {
  expect(table(planBridgeEndpoint(endpoint('nftables')))).toEqual([
    ...WIRING,
    ['firewall.table', 'nft -f -', 'shared'],
    ['firewall.isolate', 'nft -f -', 'shared'],
    ['nat.masquerade', 'nft -f -', 'shared'],
    [
      'port.publish:8080/tcp',
      'nft add element ip minidock published { tcp . 8080 : 172.17.0.2 . 80 }',
      'nft delete element ip minidock published { tcp . 8080 }',
    ],
    [
      'port.publish:127.0.0.1:5300-5301/udp',
      'nft add element ip minidock published_at { 127.0.0.1 . udp . 5300 : 172.17.0.2 . 53, 127.0.0.1 . udp . 5301 : 172.17.0.2 . 54 }',
      'nft delete element ip minidock published_at { 127.0.0.1 . udp . 5300, 127.0.0.1 . udp . 5301 }',
    ],
    [
      'flows.forget',
      'forget-flows',
      'conntrack -D -f ipv4 -s 172.17.0.2\nconntrack -D -f ipv4 -r 172.17.0.2',
    ],
  ]);
});

test('the iptables back-end', () => {
  const second = '-d 127.0.0.1/32 -p udp --dport 5300:5301 -j DNAT --to-destination 172.17.0.2:53-54/5300';
  expect(table(planBridgeEndpoint(endpoint('iptables')))).toEqual([
    ...WIRING,
    ['firewall.loopback', 'iptables-restore --wait --noflush', 'shared'],
    ['firewall.table', 'iptables-restore --wait --noflush', 'shared'],
    [
      'firewall.source',
      'iptables --wait -t raw -A MINIDOCK-LOOPBACK ! -i minidock0 -s 172.17.0.0/16 -m addrtype ! --src-type LOCAL -j DROP',
      'shared',
    ],
    ['firewall.isolate', 'iptables-restore --wait --noflush', 'shared'],
    [
      'nat.masquerade',
      'iptables --wait -t nat -A MINIDOCK-POSTROUTING -s 172.17.0.0/16 ! -o minidock0 -j MASQUERADE',
      'shared',
    ],
    [
      'port.publish:8080/tcp',
      'iptables --wait -t nat -A MINIDOCK -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
      'iptables --wait -t nat -D MINIDOCK -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
    ],
    [
      'port.publish:127.0.0.1:5300-5301/udp',
      `iptables --wait -t nat -A MINIDOCK ${second}`,
      `iptables --wait -t nat -D MINIDOCK ${second}`,
    ],
    [
      'flows.forget',
      'forget-flows',
      'conntrack -D -f ipv4 -s 172.17.0.2\nconntrack -D -f ipv4 -r 172.17.0.2',
    ],
  ]);
});

test('a host without IPv6 has none to keep off', () => {
  const ids = (ipv6: boolean): readonly string[] =>
    planBridgeEndpoint(endpoint('nftables', ipv6)).map(({ id }) => id);
  const off = ['disable-ipv6', 'refuse-routers'];
  const left = ids(true).filter((id) => !off.some((verb) => id.endsWith(`.${verb}`)));
  expect(ids(false)).toEqual(left);
  expect(left).toHaveLength(ids(true).length - 4);
});

// Its other end is eth0, and while that is down nothing comes in.
test("the host's end of the cable hears nothing before IPv6 is off it", () => {
  const { before, beside } = splitNetwork(planBridgeEndpoint(endpoint('nftables')));
  expect(before.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['veth.disable-ipv6', 'veth.refuse-routers']),
  );
  expect(beside.flat().map(({ id }) => id)).toContain('link.up');
  const ids = planBridgeEndpoint(endpoint('nftables')).map(({ id }) => id);
  expect(ids.indexOf('veth.refuse-routers')).toBeLessThan(ids.indexOf('link.up'));
  expect(ids.indexOf('bridge.refuse-routers')).toBeLessThan(ids.indexOf('bridge.up'));
});

test('--network none has loopback and nothing else', () => {
  expect(table(planNoneEndpoint('md-0123456789ab'))).toEqual([
    ['netns.create', 'ip netns add md-0123456789ab', 'ip netns delete md-0123456789ab'],
    ['loopback.up', 'ip -n md-0123456789ab link set lo up', 'freed by netns.create'],
  ]);
});

describe.each<FirewallBackend>(['nftables', 'iptables'])('every step with %s', (backend) => {
  test.each(planBridgeEndpoint(endpoint(backend)).map((step) => [step.id, step] as const))(
    '%s',
    (_, step) => {
      expect(step.title).toMatch(/^[A-Z].*[^.]$/);
      expect(step.why).toMatch(/^[A-Za-z].*\.$/);
      expect(step.observe?.length).toBeGreaterThan(0);
      // What is shared is looked at first: it may be there already, and the first comer does it.
      expect(step.check !== undefined).toBe(step.undo.kind === 'shared');
    },
  );
});
