/**
 * The path of a packet through a host: its hooks, the routing decision between them, and the memory of connections.
 * The checks send packets and look where they come by; they read the counters of all rules.
 */
import type { LabHost, Lesson, Requirement } from '../../lesson.ts';
import { JOINED } from '../joined.ts';
import { allArrive, CLOSED, counterOf, fromPort80, nothingArrives, type Attempt } from '../packets.ts';
import { forwarding, pageAt, pageComes, pings } from '../scenery.ts';
import { growthAtHooks, type Hook } from './hooks.ts';

const INTERNET = '198.51.100.7';
const ROUTER = '203.0.113.1';

const counts = (text: string, hooks: readonly Hook[], address: string): Requirement => ({
  text,
  holds: async (host) => {
    const grown = await growthAtHooks(host, () => host.ping(address, { netns: 'red' }));
    return hooks.every((hook) => (grown.get(hook) ?? 0) > 0);
  },
  found: async (host) => {
    const grown = await growthAtHooks(host, () => host.ping(address, { netns: 'red' }));
    const seen = [...grown].filter(([, packets]) => packets > 0).map(([hook]) => hook);
    return seen.length === 0 ? undefined : `counted at ${seen.join(', ')}`;
  },
});

/** The kernel's own decision for a packet that comes from red. */
async function hasWay(host: LabHost, address: string): Promise<boolean> {
  const question = ['ip', 'route', 'get', address, 'from', '192.168.15.1', 'iif', 'veth-host'] as const;
  return (await host.run(question)).status === 0;
}

async function hearsUnreachable(host: LabHost): Promise<boolean> {
  const heard = (): Promise<number> => counterOf(host, 'Icmp', 'InDestUnreachs', 'red');
  const before = await heard();
  await host.ping(INTERNET, { netns: 'red' });
  return (await heard()) > before;
}

const attempt = { from: 'outside', to: 'red', address: '192.168.15.1' } as const;
const INWARD: readonly Attempt[] = [
  { ...attempt, protocol: 'tcp', ports: [81, ...CLOSED.tcp] },
  { ...attempt, protocol: 'tcp', ports: [81, ...CLOSED.tcp], alone: true },
  { ...attempt, protocol: 'udp', ports: CLOSED.udp },
  { ...attempt, protocol: 'icmp' },
];

const outward = { from: 'red', to: 'outside', address: ROUTER } as const;
const OUTWARD: readonly Attempt[] = [
  { ...outward, protocol: 'tcp', ports: [81, ...CLOSED.tcp] },
  { ...outward, protocol: 'udp', ports: CLOSED.udp },
];

/** From the internet's own address, and from the port of its server: no answer to anything all the same. */
async function staysClosed(host: LabHost): Promise<boolean> {
  const way = ['192.168.15.1', 'via', '203.0.113.2', 'src', INTERNET];
  const added = await host.run(['ip', 'route', 'add', ...way], { netns: 'outside' });
  try {
    return await fromPort80(host, { netns: 'outside', address: '192.168.15.1' }, () =>
      nothingArrives('', INWARD).holds(host),
    );
  } finally {
    if (added.status === 0) await host.run(['ip', 'route', 'del', ...way], { netns: 'outside' });
  }
}

const packetPath: Lesson = {
  name: 'packet-path',
  group: 'host',
  title: 'The path of a packet through the host',
  story: `A packet that enters a host passes places where rules can look at it, called hooks. Between the first and the
second the kernel chooses: is it for me, or for somebody else? Every later lesson puts a rule at one of these places.

                                +-> INPUT -> a program -> OUTPUT -+
    in -> PREROUTING -> route? -+                                 +-> POSTROUTING -> out
                                +-----------> FORWARD ------------+

The namespace red (192.168.15.1) has a cable to the host (192.168.15.10), and the host masquerades what red sends to the
internet (198.51.100.7).`,
  setup: [
    ...JOINED,
    'ip -n red route add default via 192.168.15.10',
    forwarding(true),
    'nft \'table ip way { chain out { type nat hook postrouting priority 100; ip saddr 192.168.15.0/24 oifname "eth0" masquerade; }; }\'',
    ...pageAt('outside', 'a page of the internet'),
  ],
  steps: [
    {
      id: 'hooks',
      title: 'Five places to look',
      task:
        'Let rules with counters on the host see red’s pings: those to 198.51.100.7 at prerouting, forward and ' +
        'postrouting; those to the host itself (192.168.15.10) at prerouting, input and output.',
      hints: [
        'A base chain of nft is tied to a hook: { type filter hook forward priority 0; }. A rule may consist of the word counter alone.',
        'One table with five chains will do. iptables has a chain of that name at each hook, and every rule there counts.',
        "nft 'table ip path { chain forward { type filter hook forward priority 0; counter; }; … }'; nft list table ip path shows the counts",
      ],
      solution: [
        {
          command:
            'for hook in prerouting input forward output postrouting; do nft "table ip path { chain $hook { type filter hook $hook priority 0; counter; }; }"; done',
          why: 'A chain does nothing until a hook calls it. A rule without a verdict only counts, and the next one follows.',
        },
        {
          command:
            'ip netns exec red ping -c 1 198.51.100.7; ip netns exec red ping -c 1 192.168.15.10; nft list table ip path',
          why: 'The first request and its answer pass prerouting, forward and postrouting; the second ends at input, and its answer starts at output.',
        },
      ],
      requirements: [
        counts(
          'counters at prerouting, forward and postrouting grow by red’s ping of 198.51.100.7',
          ['prerouting', 'forward', 'postrouting'],
          INTERNET,
        ),
        counts(
          'counters at prerouting, input and output grow by red’s ping of 192.168.15.10',
          ['prerouting', 'input', 'output'],
          '192.168.15.10',
        ),
        pings('red still reaches 198.51.100.7', INTERNET, { from: 'red', by: 'outside' }),
      ],
    },
    {
      id: 'route',
      title: 'Between two hooks: the route',
      task:
        'Let the host’s routing, not its firewall, refuse red the way to 198.51.100.7: red hears "unreachable" from ' +
        'the host. All else goes on: the host gets http://198.51.100.7/, and red reaches 203.0.113.1.',
      hints: [
        'A route need not lead anywhere: its type may be unreachable. But such a route alone stops the host, too.',
        '`ip rule` lists rules that choose a table by the sender or by the interface a packet comes in by. A rule may also refuse by itself.',
        'ip rule add iif veth-host to 198.51.100.7 …',
      ],
      solution: [
        {
          command: 'ip rule add iif veth-host to 198.51.100.7 unreachable',
          why: 'After prerouting the kernel asks its rules in order, and then the tables that they name. This answer ends the packet before forward, and an ICMP message goes back.',
        },
        {
          command:
            'ip route get 198.51.100.7; ip route get 198.51.100.7 from 192.168.15.1 iif veth-host; ip netns exec red ping -c 1 -W 1 198.51.100.7; nft list table ip path',
          why: 'The same destination, and another answer for another sender. Prerouting has counted the packet; forward has not.',
        },
      ],
      requirements: [
        {
          text: 'the kernel has no route for a packet of red to 198.51.100.7 (ip route get … from 192.168.15.1 iif veth-host)',
          holds: async (host) => !(await hasWay(host, INTERNET)) && (await hasWay(host, ROUTER)),
        },
        { text: 'red hears from the host that 198.51.100.7 is unreachable', holds: hearsUnreachable },
        pageComes('the host gets http://198.51.100.7/', `http://${INTERNET}/`, 'a page of the internet', {
          by: 'outside',
        }),
        pings('red reaches 203.0.113.1', ROUTER, { from: 'red', by: 'outside' }),
      ],
    },
    {
      id: 'connections',
      title: 'The memory of connections',
      task:
        'Give red the way back that you took, and guard it: red may begin whatever it likes with the outside, and the ' +
        'outside may only answer. A packet from an address or a port of a server is not yet an answer.',
      hints: [
        'The kernel remembers each connection that passes (conntrack). A packet that belongs to one has the state established; an ICMP error about one, related.',
        'At forward: accept what comes in from red, accept what belongs to a connection, drop the rest.',
        'iptables -P FORWARD DROP; iptables -A FORWARD -i veth-host -j ACCEPT; iptables -A FORWARD -m conntrack --ctstate …',
      ],
      solution: [
        {
          command: 'ip rule del iif veth-host to 198.51.100.7 unreachable',
          why: 'The tables answer again.',
        },
        {
          command:
            'nft \'table ip guard { chain forward { type filter hook forward priority 10; policy drop; iifname "veth-host" accept; ct state established,related accept; }; }\'',
          why: 'The first packet of red’s makes the entry. What comes back matches it in reverse, also after masquerading: then the entry has both pairs of addresses.',
        },
        {
          command:
            'ip netns exec red curl -s --max-time 3 http://198.51.100.7/ || ip netns exec red busybox wget -qO- http://198.51.100.7/',
          why: 'Request and answer pass. A packet that nobody asked for does not.',
        },
      ],
      requirements: [
        pageComes('red gets http://198.51.100.7/', `http://${INTERNET}/`, 'a page of the internet', {
          from: 'red',
          by: 'outside',
        }),
        pings('red reaches 203.0.113.1', ROUTER, { from: 'red', by: 'outside' }),
        allArrive(
          'red may begin whatever it likes: its packets arrive at other ports of 203.0.113.1, too, over TCP and UDP',
          OUTWARD,
        ),
        {
          text: 'nothing that the outside begins arrives in red: no ping, no UDP, no TCP, also from 198.51.100.7 port 80',
          holds: staysClosed,
        },
      ],
    },
  ],
  epilogue:
    'Published ports are rules at prerouting, a container’s way out is one at postrouting, and "a firewall in the ' +
    'way" is nearly always one at forward. `minidock why` goes this path hook by hook. Next: the world comes in ' +
    '("minidock lab start publish").',
};

export const lessons: readonly Lesson[] = [packetPath];
