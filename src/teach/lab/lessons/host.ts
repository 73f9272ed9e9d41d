/**
 * The host joins: the article's section B. One namespace with a cable to the host, then the way out, then the way in.
 * The article leaves out the default route; here it is a step, since nothing leaves the namespace without it.
 */
import type { Lesson } from '../lesson.ts';
import { JOINED } from './joined.ts';
import { areEnds, defaultRouteVia, isUp, needAddress, sysctl } from './looks.ts';
import { noRouteBack, pageComes, pings } from './scenery.ts';

const INTERNET = 'mkdir -p /srv/internet && echo "the internet greets you" >/srv/internet/index.html';
const SERVE = 'ip netns exec outside busybox httpd -p 198.51.100.7:80 -h /srv/internet';
const GREETING = 'the internet greets you';

export const lessons: readonly Lesson[] = [
  {
    name: 'host',
    group: 'host',
    title: 'A cable from the host into a namespace',
    story: `Two namespaces talk to each other, but you sit on the host. A second cable, with one end on the host, connects it.

  +-- this host -----------------+        +-- red --------------------+
  | veth-host 192.168.15.10/24   | ------ | veth-ns 192.168.15.1/24   |
  +------------------------------+        +---------------------------+

The namespace red is there already. The article goes on with the red of its first part, whose cable to blue has the same addresses; that does not work well; a lesson of its own shows why.`,
    setup: ['ip netns add red'],
    steps: [
      {
        id: 'cable',
        title: 'One end here, one end there',
        article: ['B8a'],
        task: 'Make a veth pair veth-host and veth-ns. veth-host stays on the host, veth-ns goes into red.',
        hints: [
          'It is the cable of the first lesson again, but only one end moves.',
          'ip link add veth-host type veth peer name veth-ns, then move veth-ns.',
          'In one go: ip link add veth-host type veth peer name veth-ns netns red',
        ],
        solution: [
          {
            command: 'ip link add veth-host type veth peer name veth-ns',
            why: 'Both ends are born on the host.',
          },
          {
            command: 'ip link set veth-ns netns red',
            why: 'One of them moves; the other connects the host.',
          },
        ],
        requirements: [
          {
            text: 'veth-host, on the host, and veth-ns, in red, are the ends of one cable',
            holds: (host) => areEnds(host, ['veth-host'], ['veth-ns', 'red']),
          },
        ],
      },
      {
        id: 'talk',
        title: 'The host pings the namespace',
        article: ['B8a'],
        task: 'Give veth-host 192.168.15.10/24 and veth-ns 192.168.15.1/24, bring both up, and ping 192.168.15.1 from the host.',
        hints: [
          'Two addresses, two times "up": each on its side of the cable.',
          'ip addr add 192.168.15.10/24 dev veth-host; ip link set veth-host up; and the same with "ip -n red" for veth-ns.',
        ],
        solution: [
          {
            command: 'ip addr add 192.168.15.10/24 dev veth-host',
            why: 'The host is a neighbour on this cable like any other.',
          },
          {
            command: 'ip netns exec red ip addr add 192.168.15.1/24 dev veth-ns',
            why: 'The same subnet, another number.',
          },
          {
            command: 'ip link set veth-host up',
            why: 'With "up" comes the route to 192.168.15.0/24: see "ip route".',
          },
          { command: 'ip netns exec red ip link set veth-ns up', why: 'Both ends up: carrier.' },
          { command: 'ping -c 1 192.168.15.1', why: 'From the host, no "netns exec" in front.' },
        ],
        requirements: [
          needAddress('veth-host has 192.168.15.10/24', 'veth-host', '192.168.15.10/24'),
          needAddress('veth-ns has 192.168.15.1/24', 'veth-ns', '192.168.15.1/24', 'red'),
          {
            text: 'both are up',
            holds: async (host) => (await isUp(host, 'veth-host')) && isUp(host, 'veth-ns', 'red'),
          },
          pings('the host reaches red at 192.168.15.1', '192.168.15.1', { by: 'red' }),
          {
            text: 'red reaches 192.168.15.10',
            holds: (host) => host.ping('192.168.15.10', { netns: 'red' }),
          },
        ],
      },
    ],
    epilogue:
      'This is how the host reaches a container’s own address. Docker and minidock do not give the address to the host’s end of the cable but to a bridge that all the cables are plugged into; the effect is the same. Next: red wants to see the world ("minidock lab start masquerade").',
  },
  {
    name: 'masquerade',
    group: 'host',
    title: 'The namespace reaches the world',
    story: `red reaches the host and nothing else: red has no other route, the host forwards nothing, and the world has no route to 192.168.15.0/24. Three things are missing. The world is the namespace outside, with a web server at 198.51.100.7.

  +-- red ---------+      +-- this host --------------------+      +-- outside --------+
  | 192.168.15.1   | ---- | 192.168.15.10      203.0.113.2  | ---- | 203.0.113.1       |
  +----------------+      +---------------------------------+      | 198.51.100.7 :80  |
                                                                   +-------------------+`,
    setup: [...JOINED, INTERNET, SERVE],
    steps: [
      {
        id: 'route',
        title: 'A way further',
        article: ['B8b'],
        task: 'red answers "Network is unreachable" for anything but its own cable. Tell it that everything else goes by way of the host, 192.168.15.10.',
        hints: [
          '"ip -n red route" shows what red knows. A route for everything is called "default". (The article leaves this out.)',
          'ip -n red route add default via …',
        ],
        solution: [
          {
            command: 'ip netns exec red ip route add default via 192.168.15.10',
            why: 'Where no other route fits, packets go to the hardware address of 192.168.15.10: the host is red’s gateway.',
          },
        ],
        requirements: [
          {
            text: 'red’s default route goes via 192.168.15.10',
            holds: (host) => defaultRouteVia(host, '192.168.15.10', 'red'),
          },
        ],
      },
      {
        id: 'forward',
        title: 'The host becomes a router',
        article: ['B8b'],
        task: 'Packets of red now reach the host, which throws them away: they are not for it. Let it pass them on.',
        hints: [
          'Whether a host forwards is one of the kernel’s settings, in /proc/sys/net/ipv4.',
          'sysctl -w net.ipv4.ip_forward=…',
        ],
        solution: [
          {
            command: 'sysctl -w net.ipv4.ip_forward=1',
            why: 'A setting of the network namespace: in the lab it is that of the lab’s host. Docker and minidock turn it on as well.',
          },
        ],
        requirements: [
          {
            text: 'the host forwards IPv4',
            holds: async (host) => (await sysctl(host, 'net.ipv4.ip_forward')) === '1',
          },
        ],
      },
      {
        id: 'masquerade',
        title: 'An address the world knows',
        article: ['B8b'],
        task: 'Watch "ip netns exec red ping 198.51.100.7": the requests arrive outside, but outside has no route back to 192.168.15.1. Make the host put its own address into what red sends out through eth0, and take it out of the answers.',
        hints: [
          'The kernel rewrites the source address after routing, when it knows which way the packet leaves: source ' +
            'NAT, in the hook POSTROUTING.',
          'With iptables: table nat, chain POSTROUTING, -s 192.168.15.0/24 -o eth0, and a target that takes the address of the interface. With nft: a chain "type nat hook postrouting" and the word masquerade.',
          'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j …',
        ],
        solution: [
          {
            command: 'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j MASQUERADE',
            why: 'Only what comes from red’s subnet and leaves by the uplink. The kernel remembers each connection and rewrites the answers by itself.',
          },
          {
            command: 'ip netns exec red ping -c 1 198.51.100.7',
            why: 'The answer goes to 203.0.113.2, and from there to red.',
          },
        ],
        requirements: [
          pings('red reaches 198.51.100.7', '198.51.100.7', { from: 'red', by: 'outside' }),
          pageComes('red gets the page of http://198.51.100.7/', 'http://198.51.100.7/', GREETING, {
            from: 'red',
            by: 'outside',
          }),
          noRouteBack(
            'outside still has no route to 192.168.15.1 in any table, and sees the host’s own address instead: the host must do it',
            '192.168.15.1',
            'red',
          ),
        ],
      },
    ],
    epilogue:
      'This is the whole of "the container reaches the internet": a default route in the container, forwarding, and a masquerade rule for its subnet. Docker’s and minidock’s rule reads "not out through the bridge itself" instead of "-o eth0", so that it holds for any uplink. Next: the world wants in ("minidock lab start publish").',
  },
];
