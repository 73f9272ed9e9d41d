/** A network as `observe` would find it, made up: a host, its outside, two containers, two namespaces made by hand. */
import type { Interface, Model, Namespace } from '../../src/diagnose/graph/model.ts';

function link(index: number, name: string, kind: string, more: Partial<Interface> = {}): Interface {
  const mac = `02:00:00:00:00:${String(index).padStart(2, '0')}`;
  return { index, name, kind, mac, mtu: 1500, up: true, carrier: true, addresses: [], ...more };
}

const lo = link(1, 'lo', 'loopback', { addresses: ['127.0.0.1/8', '::1/128'] });

function container(inode: number, name: string, id: string, address: string, command: string): Namespace {
  const pid = inode - 4_000_000;
  return {
    inode,
    kind: 'container',
    label: name,
    containers: [{ id: id.padEnd(64, '0'), name, image: 'demo/web', pid }],
    path: `/run/netns/md-${id}`,
    processes: [{ pid, command }],
    interfaces: [lo, link(2, 'eth0', 'veth', { addresses: [`${address}/16`, 'fe80::1/64'], peerIndex: 0 })],
    routes: [{ destination: 'default', via: '172.17.0.1', device: 'eth0' }],
  };
}

const namespace = (inode: number, name: string, interfaces: readonly Interface[]): Namespace => ({
  inode,
  kind: 'namespace',
  label: name,
  path: `/run/netns/${name}`,
  containers: [],
  processes: [],
  interfaces,
  routes: [],
});

export const sampleModel: Model = {
  here: 4_001_000,
  namespaces: [
    {
      inode: 4_001_000,
      kind: 'host',
      label: 'this host',
      path: '/proc/1/ns/net',
      containers: [],
      processes: [],
      interfaces: [
        lo,
        link(2, 'eth0', 'veth', { addresses: ['203.0.113.2/24'], mtu: 1400 }),
        link(3, 'minidock0', 'bridge', { addresses: ['172.17.0.1/16'], network: 'bridge' }),
        link(4, 'mdv978aaee6db01', 'veth', { master: 3 }),
        link(6, 'mdv1f2e3d4c5b02', 'veth', { master: 3 }),
        link(9, 'spare', 'veth', { up: false, carrier: false, peerIndex: 7 }),
      ],
      routes: [
        { destination: 'default', via: '203.0.113.1', device: 'eth0' },
        { destination: '10.0.0.0/8', via: '172.17.0.3', device: 'minidock0' },
      ],
    },
    namespace(4_001_001, 'outside', [
      { ...lo, addresses: ['127.0.0.1/8', '198.51.100.7/32'] },
      link(2, 'eth0', 'veth', { addresses: ['203.0.113.1/24'] }),
    ]),
    container(4_001_002, 'web', '978aaee6dbac', '172.17.0.2', 'httpd -f -p 80 "quoted" <&> \u4e16'),
    container(4_001_003, 'db', '1f2e3d4c5b6a', '172.17.0.3', 'sleep 1000'),
    namespace(4_001_004, 'red', [
      { ...lo, up: false },
      link(2, 'v0', 'veth', { addresses: ['10.0.0.1/24'] }),
    ]),
    namespace(4_001_005, 'blue', [link(3, 'v1', 'veth', { up: false, carrier: false })]),
  ],
  cables: [
    { a: { inode: 4_001_000, index: 2 }, b: { inode: 4_001_001, index: 2 } },
    { a: { inode: 4_001_000, index: 4 }, b: { inode: 4_001_002, index: 2 } },
    { a: { inode: 4_001_000, index: 6 }, b: { inode: 4_001_003, index: 2 } },
    { a: { inode: 4_001_000, index: 9 }, b: undefined },
    { a: { inode: 4_001_004, index: 2 }, b: { inode: 4_001_005, index: 3 } },
  ],
  idle: [],
  published: [
    {
      protocol: 'tcp',
      address: '',
      port: '8080',
      toAddress: '172.17.0.2',
      toPort: '80',
      where: 'ip minidock published',
    },
  ],
  chains: [
    {
      tool: 'nft',
      table: 'ip minidock',
      name: 'prerouting',
      hook: 'prerouting',
      priority: -100,
      policy: 'accept',
      rules: ['fib daddr type local jump publish'],
    },
    {
      tool: 'nft',
      table: 'ip minidock',
      name: 'publish',
      rules: ['dnat ip to meta l4proto . th dport map @published'],
    },
    {
      tool: 'iptables',
      table: 'filter',
      name: 'FORWARD',
      hook: 'forward',
      priority: 0,
      policy: 'drop',
      rules: ['-i minidock0 -j ACCEPT'],
    },
  ],
  forwarding: true,
  disagreements: ['db: mdv1f2e3d4c5b02 is down'],
  unconnected: 2,
};
