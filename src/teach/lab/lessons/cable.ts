/** Two network namespaces and the cable between them: the article's section A. */
import type { Lesson } from '../lesson.ts';
import {
  areEnds,
  hasNetns,
  isIn,
  isUp,
  linkOf,
  needAddress,
  needOwnAddresses,
  neighbourOf,
} from './looks.ts';
import { echoReplies, echoRequests, pingReaches } from './packets.ts';

export const lessons: readonly Lesson[] = [
  {
    name: 'cable',
    group: 'cable',
    title: 'Two network namespaces, joined by a cable',
    story: `A network namespace is a network of one's own: links, addresses, routes, neighbours and firewall rules that no other namespace sees. A veth pair is a cable with two ends; what goes in at one comes out at the other. You make two namespaces and join them, which is all that a container's network begins with.

  +-- red -----------------+        +-- blue ----------------+
  | veth-red 192.168.15.1  | ------ | veth-blue 192.168.15.2 |
  +------------------------+        +------------------------+`,
    setup: [],
    steps: [
      {
        id: 'veth',
        title: 'A cable',
        article: ['A1'],
        task: 'Make a veth pair whose ends are called veth-red and veth-blue. For now both lie on the host.',
        hints: [
          'A link of any kind is made by "ip link add", and its kind is given by "type".',
          'A veth is made with its other end at once: "… type veth peer name OTHER". Only root may do it; here you are root.',
          'ip link add veth-red type veth peer name …',
        ],
        solution: [
          {
            command: 'ip link add veth-red type veth peer name veth-blue',
            why: 'Both ends come into being together and go together: deleting one deletes the other. "Permission denied" would mean that CAP_NET_ADMIN is missing.',
          },
        ],
        requirements: [
          {
            text: 'there are two links, veth-red and veth-blue, that are the ends of one veth pair',
            holds: (host) => areEnds(host, ['veth-red'], ['veth-blue']),
          },
        ],
      },
      {
        id: 'namespaces',
        title: 'Two namespaces',
        article: ['A2'],
        task: 'Make two network namespaces, red and blue.',
        hints: [
          'ip has a word for namespaces with a name; "ip netns" lists them.',
          'ip netns add NAME. If one exists already, "ip netns delete NAME" removes it.',
        ],
        solution: [
          {
            command: 'ip netns add red',
            why: 'A new network namespace, empty but for a loopback that is down. A file in /run/netns is its name and keeps it although no process is in it.',
          },
          { command: 'ip netns add blue', why: 'The second one. They know nothing of each other.' },
        ],
        requirements: [
          { text: 'the namespace red exists, a network of its own', holds: (host) => hasNetns(host, 'red') },
          {
            text: 'the namespace blue exists, a network of its own',
            holds: (host) => hasNetns(host, 'blue'),
          },
        ],
      },
      {
        id: 'move',
        title: 'An end into each',
        article: ['A3'],
        task: 'Move veth-red into red and veth-blue into blue. The host is then left with neither.',
        hints: [
          'A link is in exactly one namespace; "ip link set" can put it into another.',
          'ip link set veth-red netns …. "Cannot find device" means that it is not here any more: you may have moved it already.',
        ],
        solution: [
          {
            command: 'ip link set veth-red netns red',
            why: 'The end changes its namespace; the cable stays whole. Addresses and "up" are lost on the way, so they come later.',
          },
          {
            command: 'ip link set veth-blue netns blue',
            why: 'Now the only way between the two is this cable.',
          },
        ],
        requirements: [
          { text: 'veth-red is in red', holds: (host) => isIn(host, 'veth-red', 'red') },
          { text: 'veth-blue is in blue', holds: (host) => isIn(host, 'veth-blue', 'blue') },
          {
            text: 'they are still the ends of one cable',
            holds: (host) => areEnds(host, ['veth-red', 'red'], ['veth-blue', 'blue']),
          },
        ],
      },
      {
        id: 'addresses',
        title: 'Addresses',
        article: ['A4'],
        task: 'Give veth-red the address 192.168.15.1/24 and veth-blue 192.168.15.2/24.',
        hints: [
          'An address belongs to a link, and the link is in another namespace: "ip netns exec NAME COMMAND" runs a command there.',
          'ip netns exec red ip addr add ADDRESS/24 dev LINK. The same address twice is refused with "Address already assigned".',
        ],
        solution: [
          {
            command: 'ip netns exec red ip addr add 192.168.15.1/24 dev veth-red',
            why: '/24 says which addresses are on this cable: the kernel derives from it a route to 192.168.15.0/24 as soon as the link is up.',
          },
          {
            command: 'ip -n blue addr add 192.168.15.2/24 dev veth-blue',
            why: '"ip -n blue" is short for "ip netns exec blue ip".',
          },
        ],
        requirements: [
          needAddress('veth-red in red has 192.168.15.1/24', 'veth-red', '192.168.15.1/24', 'red'),
          needAddress('veth-blue in blue has 192.168.15.2/24', 'veth-blue', '192.168.15.2/24', 'blue'),
          needOwnAddresses({ red: '192.168.15.1', blue: '192.168.15.2' }),
        ],
      },
      {
        id: 'up',
        title: 'Up',
        article: ['A5'],
        task: 'Bring both ends up.',
        hints: [
          'A link that is down carries nothing. "ip -n red -br link" shows its state.',
          'ip netns exec red ip link set veth-red …. The kernel’s log (dmesg) would tell of trouble with real hardware; in the lab it is out of reach.',
        ],
        solution: [
          {
            command: 'ip netns exec red ip link set veth-red up',
            why: 'Until the other end is up too, its state is "LOWERLAYERDOWN": no carrier, as with a cable whose far end lies on the floor.',
          },
          {
            command: 'ip netns exec blue ip link set veth-blue up',
            why: 'Now both have a carrier, and both have a route to 192.168.15.0/24.',
          },
        ],
        requirements: [
          { text: 'veth-red is up', holds: (host) => isUp(host, 'veth-red', 'red') },
          { text: 'veth-blue is up', holds: (host) => isUp(host, 'veth-blue', 'blue') },
        ],
      },
      {
        id: 'ping',
        title: 'Is anyone there?',
        article: ['A6'],
        task: 'Ping blue from red. The check looks for what a packet leaves behind: the counters of the cable, and the answer to a ping of its own.',
        hints: [
          'The ping must start in red: "ip netns exec red …". If nothing answers, look at addresses, at the state of the links, and at a firewall, in this order.',
          'ip netns exec red ping -c 1 192.168.15.2',
        ],
        solution: [
          {
            command: 'ip netns exec red ping -c 2 192.168.15.2',
            why: 'An ICMP echo request goes in at veth-red and comes out at veth-blue, and the answer comes back. No other link saw it.',
          },
        ],
        requirements: [
          {
            text: 'an ICMP echo of red was answered (its kernel counts them: nstat -az IcmpInEchoReps)',
            holds: async (host) => (await echoReplies(host, 'red')) > 0,
          },
          {
            text: 'blue got one (IcmpInEchos): red did not ping itself',
            holds: async (host) => (await echoRequests(host, 'blue')) > 0,
          },
          {
            text: 'red reaches blue at 192.168.15.2',
            // The check pings only after the learner did: its own ping would satisfy the check.
            holds: async (host) =>
              (await echoReplies(host, 'red')) > 0 &&
              (await echoRequests(host, 'blue')) > 0 &&
              pingReaches(host, '192.168.15.2', { from: 'red', by: 'blue' }),
          },
        ],
      },
      {
        id: 'neighbours',
        title: 'Who knows whom',
        article: ['A7'],
        task:
          'Before a packet goes out, its sender asks "who has this address?" and remembers the hardware address. ' +
          'Look at the neighbour tables of red, of blue and of the host. Then write blue’s hardware address, as ' +
          'red’s table shows it, into the file /tmp/blue.mac, and give blue a permanent entry for red.',
        hints: [
          'The article uses "arp -n", of the old net-tools; today it is "ip neigh". Each namespace has a table of its own, and the host’s has neither red nor blue in it.',
          'ip netns exec red ip neigh shows "192.168.15.2 dev veth-red lladdr …". The same word can write: "ip neigh replace ADDRESS lladdr MAC dev LINK nud permanent".',
          'Red’s own hardware address: ip -n red -br link show veth-red',
        ],
        solution: [
          {
            command: 'ip netns exec red ip neigh; ip netns exec blue ip neigh; ip neigh',
            why: 'Red knows blue and blue knows red, since they have talked. The host knows neither: it saw nothing of it.',
          },
          {
            command: "ip -n red neigh show 192.168.15.2 | grep -o '..:..:..:..:..:..' > /tmp/blue.mac",
            why: 'The address after "lladdr" belongs to veth-blue; "ip -n blue link" shows the same.',
          },
          {
            command:
              "ip -n blue neigh replace 192.168.15.1 lladdr $(ip -n red link show veth-red | grep -o 'ether [0-9a-f:]*' | cut -d' ' -f2) dev veth-blue nud permanent",
            why: 'An entry that was learnt ages and is asked for again; a permanent one stays, right or wrong.',
          },
        ],
        requirements: [
          {
            text: '/tmp/blue.mac holds the hardware address that veth-blue really has',
            holds: async (host) => {
              const { stdout } = await host.run(['cat', '/tmp/blue.mac']);
              // Alone, or in the line that ip wrote.
              const written = stdout.toLowerCase().match(/\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/g) ?? [];
              const mac = (await linkOf(host, 'veth-blue', 'blue'))?.address;
              return mac !== undefined && written.length === 1 && written[0] === mac;
            },
          },
          {
            text: 'blue’s table has red’s hardware address for 192.168.15.1, permanently',
            holds: async (host) => {
              const entries = await host.ip(
                ['neigh', 'show', '192.168.15.1', 'dev', 'veth-blue', 'nud', 'permanent'],
                'blue',
              );
              const mac = (await linkOf(host, 'veth-red', 'red'))?.address;
              return mac !== undefined && entries.length === 1 && entries[0]?.['lladdr'] === mac;
            },
          },
          {
            text: 'the host’s own table knows neither of them',
            holds: async (host) =>
              (await neighbourOf(host, '192.168.15.1')) === undefined &&
              (await neighbourOf(host, '192.168.15.2')) === undefined,
          },
        ],
      },
    ],
    epilogue:
      'These are the first moves of every container engine: Docker and minidock make a namespace, a veth pair, and put one end into the namespace, where it is renamed eth0. "minidock run --explain" prints the very commands. Next: the host wants to talk too ("minidock lab start host").',
  },
];
