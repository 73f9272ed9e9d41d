/**
 * Where the article's text fails: addresses, routes, and namespaces that exist already (points E1, E2 and E6). The
 * setup types the article's lines; the first step makes the failure visible in the kernel, the next steps fix it.
 */
import type { Lesson } from '../../lesson.ts';
import { counterOf, pingReaches } from '../packets.ts';
import { addressesOf, bridge, cable, forwarding, namespace, pings } from '../scenery.ts';

/** The article's steps 1 to 5. */
export const redAndBlue = [
  'ip link add veth-red type veth peer name veth-blue',
  'ip netns add red',
  'ip netns add blue',
  'ip link set veth-red netns red',
  'ip link set veth-blue netns blue',
  'ip netns exec red ip addr add 192.168.15.1/24 dev veth-red',
  'ip netns exec blue ip addr add 192.168.15.2/24 dev veth-blue',
  'ip netns exec red ip link set veth-red up',
  'ip netns exec blue ip link set veth-blue up',
];

const redPingsBlue = pings('red still pings 192.168.15.2, blue', '192.168.15.2', { from: 'red', by: 'blue' });

const sameSubnetTwice: Lesson = {
  name: 'article-two-cables-one-subnet',
  group: 'article',
  title: 'Why does the host not reach red?',
  story: `Red and blue are joined by their cable, as in the article's steps 1 to 7. Then its step 8a was typed as it stands: a
second cable from the host to red, whose inner end gets 192.168.15.1/24, which red already has.

    host 192.168.15.10 veth-host ---- veth-ns  192.168.15.1 red
    blue 192.168.15.2  veth-blue ---- veth-red 192.168.15.1 red

    # ping -c 1 192.168.15.1
    1 packets transmitted, 0 received, 100% packet loss`,
  setup: [
    ...redAndBlue,
    'ip link add veth-host type veth peer name veth-ns',
    'ip link set veth-ns netns red',
    'ip addr add 192.168.15.10/24 dev veth-host',
    'ip netns exec red ip addr add 192.168.15.1/24 dev veth-ns',
    'ip link set veth-host up',
    'ip netns exec red ip link set veth-ns up',
  ],
  steps: [
    {
      id: 'see',
      title: 'See where the answer goes',
      task: "Ping red from the host, and find in red's neighbour table where red looked for the host.",
      hints: [
        "The request arrives: the host even has red's MAC address (`ip neigh`). It is the answer that is lost.",
        'After a ping, `ip -n red neigh` and `ip -n red route get 192.168.15.10`.',
        'ping -c 1 -W 1 192.168.15.1; ip -n red neigh',
      ],
      solution: [
        {
          command: 'ping -c 1 -W 1 192.168.15.1 || ip -n red neigh',
          why: 'Red has two equal routes to 192.168.15.0/24, and the older one, by veth-red, wins. So it asks for 192.168.15.10 on the cable to blue, where nobody has it: INCOMPLETE, later FAILED.',
        },
      ],
      requirements: [
        {
          text: 'red has looked for 192.168.15.10 on the cable to blue and found nobody (or it reaches the host by now)',
          holds: async (host) => {
            const entries = await host.ip(['neigh', 'show', 'to', '192.168.15.10'], 'red');
            const lost = entries.some(({ dev, lladdr }) => dev === 'veth-red' && lladdr === undefined);
            if (lost || (await hostReachesRed(host))) return true;
            // This check made red look for the host; clear that, or the next check takes it for the learner's ping.
            await host.run(['ip', 'neigh', 'del', '192.168.15.10', 'dev', 'veth-red'], { netns: 'red' });
            return false;
          },
        },
      ],
      article: ['E1'],
    },
    {
      id: 'mend',
      title: 'One subnet, one wire',
      task: 'Let the host reach red by an address of red, without disturbing red and blue.',
      hints: [
        'A route says "this subnet is on that wire"; two wires with one subnet contradict each other. What could ' +
          'differ?',
        'Give the second cable a subnet of its own, both ends. (Or tell red about the one address 192.168.15.10: a /32 is narrower than a /24 and wins.)',
        'ip address add 192.168.16.10/24 dev veth-host; in red: 192.168.16.1/24 on veth-ns. Take the old addresses away.',
      ],
      solution: [
        {
          command:
            'ip address del 192.168.15.10/24 dev veth-host; ip address add 192.168.16.10/24 dev veth-host',
          why: 'The cable between host and red gets a subnet of its own.',
        },
        {
          command:
            'ip -n red address del 192.168.15.1/24 dev veth-ns; ip -n red address add 192.168.16.1/24 dev veth-ns',
          why: 'Now each route of red names one wire: 192.168.15.0/24 is with blue, 192.168.16.0/24 is with the host.',
        },
      ],
      requirements: [
        { text: 'the host pings an address of red', holds: (host) => hostReachesRed(host) },
        redPingsBlue,
      ],
      article: ['E1'],
    },
  ],
  epilogue:
    'Neither Docker nor minidock gives a container a second cable to the same subnet: all of a network share one bridge, the host joins it with one address, and two networks never share a subnet.',
};

async function hostReachesRed(host: Parameters<typeof addressesOf>[0]): Promise<boolean> {
  const own = (await addressesOf(host)).map(({ address }) => address);
  const ofRed = (await addressesOf(host, 'red')).map(({ address }) => address);
  for (const address of new Set(ofRed)) {
    if (!own.includes(address) && (await pingReaches(host, address, { by: 'red' }))) return true;
  }
  return false;
}

const noWayOut: Lesson = {
  name: 'article-no-way-out',
  group: 'article',
  title: 'Why does nothing leave the namespace?',
  story: `Forwarding is on and the masquerade rules stand, as the article's step 8b has them. Red hangs on a cable to the host
(8a), blue and green on the bridge of its section C, which got no address there. None of them has a default route.

    red   192.168.15.1 ---- 192.168.15.10 host --- eth0 --- outside (198.51.100.7)
    blue  192.168.16.2 ---+                |
    green 192.168.16.3 ---+--- v-net-0 (no address)

    # ip netns exec red ping -c 1 198.51.100.7
    ping: connect: Network is unreachable`,
  setup: [
    ...namespace('red'),
    ...cable({
      netns: 'red',
      outside: 'veth-host',
      inside: 'veth-ns',
      address: '192.168.15.1/24',
      hostAddress: '192.168.15.10/24',
    }),
    ...bridge('v-net-0'),
    ...['blue 192.168.16.2/24', 'green 192.168.16.3/24'].flatMap((line) => {
      const [netns = '', address = ''] = line.split(' ');
      const cableTo = { netns, address, inside: `veth-${netns}`, outside: `veth-${netns}-br` };
      return [...namespace(netns), ...cable({ ...cableTo, bridge: 'v-net-0' })];
    }),
    forwarding(true),
    'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j MASQUERADE',
    'iptables -t nat -A POSTROUTING -s 192.168.16.0/24 -o eth0 -j MASQUERADE',
  ],
  steps: [
    {
      id: 'see',
      title: 'See that it never left',
      task: 'Ping 198.51.100.7 from red, and find out whether the host ever saw the packet.',
      hints: [
        '"Network is unreachable" comes at once, without waiting. Who says that?',
        'Red itself: `ip -n red route`. The kernel counts such packets: OutNoRoutes in `ip netns exec red cat /proc/net/snmp`.',
        'ip netns exec red ping -c 1 -W 1 198.51.100.7',
      ],
      solution: [
        {
          command: 'ip netns exec red ping -c 1 -W 1 198.51.100.7 || ip -n red route',
          why: 'Red knows one subnet and nothing else. The packet was never made, so neither forwarding nor masquerading saw it.',
        },
      ],
      requirements: [
        {
          text: 'red tried to send something without a route for it (or it has a route by now)',
          holds: async (host) => {
            const unroutable = (await counterOf(host, 'Ip', 'OutNoRoutes', 'red')) > 0;
            return unroutable || (await host.ip(['route', 'get', '198.51.100.7'], 'red')).length > 0;
          },
        },
      ],
      article: ['E2'],
    },
    {
      id: 'route',
      title: 'A way out of the namespace',
      task: 'Let red reach 198.51.100.7.',
      hints: [
        'A namespace is a machine of its own, and like every machine it needs a gateway for everything else.',
        "The gateway is the host's address on the same wire.",
        'ip -n red route add default via 192.168.15.10',
      ],
      solution: [
        {
          command: 'ip -n red route add default via 192.168.15.10',
          why: 'Red now sends everything that is not on its own wire to the host, which forwards and masquerades it.',
        },
      ],
      requirements: [pings('red pings 198.51.100.7', '198.51.100.7', { from: 'red', by: 'outside' })],
      article: ['E2'],
    },
    {
      id: 'bridge',
      title: 'A gateway on the switch',
      task: 'Let blue and green reach 198.51.100.7 too.',
      hints: [
        'Blue has no default route either. Which gateway could it use? Who else is on the switch?',
        'The host is not: v-net-0 has no address (`ip -br address`). It needs one in 192.168.16.0/24.',
        'ip address add 192.168.16.1/24 dev v-net-0, then a default route by it in blue and in green.',
      ],
      solution: [
        {
          command: 'ip address add 192.168.16.1/24 dev v-net-0',
          why: 'With an address on the bridge the host sits on that switch and can be a gateway. It also learns the way back to 192.168.16.0/24.',
        },
        {
          command:
            'ip -n blue route add default via 192.168.16.1; ip -n green route add default via 192.168.16.1',
          why: 'Each namespace has a routing table of its own, so each needs its default route.',
        },
      ],
      requirements: [
        pings('blue pings 198.51.100.7', '198.51.100.7', { from: 'blue', by: 'outside' }),
        pings('green pings 198.51.100.7', '198.51.100.7', { from: 'green', by: 'outside' }),
      ],
      article: ['E2'],
    },
  ],
  epilogue:
    'docker0 and minidock0 carry the first address of their subnet, and each container gets a default route by it; in `minidock run --explain` these are "Give the bridge the gateway address" and "Send everything else to the gateway".',
};

export const lessons: readonly Lesson[] = [sameSubnetTwice, noWayOut];
