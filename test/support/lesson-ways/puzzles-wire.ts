/** The puzzles of one switch, and what those of all kinds are written with. */
import type { LessonWays, Wrong } from './ways.ts';

export const puzzle = (lesson: string, wrong: readonly (string | Wrong)[], right: string): LessonWays => ({
  lesson,
  steps: { mend: { wrong, right } },
});

/** The page from the host's own disk, at the address that is asked. */
export const impostor = (address: string, folder: string, dev = 'lo'): Wrong => ({
  type: `ip addr add ${address}/32 dev ${dev}; busybox httpd -p ${address}:80 -h ${folder}`,
  undo: `kill $(ss -Hltnp 'src ${address}' | grep -o 'pid=[0-9]*' | cut -d= -f2); ip addr del ${address}/32 dev ${dev}; for n in client web; do ! ip netns | grep -q $n || ip -n $n neigh flush all; done`,
});

const PRINTER = 'ip -n printer address del 192.168.15.3/24 dev eth0';

export const wireWays: readonly LessonWays[] = [
  puzzle(
    'puzzle-link-down',
    [
      'ip -n web link set eth0 down; ip -n web link set eth0 up',
      'iptables -I FORWARD -j ACCEPT',
      impostor('192.168.15.3', '/srv/web-80', 'br0'),
    ],
    'ip link set vweb down; ip link set vweb master br0 up',
  ),
  puzzle(
    'puzzle-wrong-prefix',
    [
      'ip -n client route add default via 192.168.15.1',
      {
        type: 'ip -n client addr flush dev eth0; ip -n client addr add 192.168.15.2/25 dev eth0',
        undo: 'ip -n client addr flush dev eth0; ip -n client addr add 192.168.15.2/24 dev eth0',
      },
      'ip -n web route add default via 192.168.15.1 onlink dev lo',
    ],
    'ip -n web route add 192.168.15.0/25 dev eth0',
  ),
  puzzle(
    'puzzle-duplicate-address',
    [
      'ip -n client neigh flush all',
      {
        type: 'ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:03 dev eth0 nud permanent',
        misses: 'belongs to only one interface',
      },
      {
        type: 'ip -n printer link set eth0 down',
        undo: 'ip -n printer link set eth0 up',
        misses: 'belongs to only one interface',
      },
      { type: 'ip link set vprinter nomaster', misses: 'belongs to only one interface' },
      {
        type: 'ip netns add office; ip link add voffice type veth peer name eth0 netns office; ip link set voffice up master br0; ip -n office address add 192.168.15.3/24 dev eth0; ip -n printer address del 192.168.15.3/24 dev eth0; ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:03 dev eth0 nud permanent',
        undo: 'ip netns delete office; ip -n printer address add 192.168.15.3/24 dev eth0; ip -n client neigh del 192.168.15.3 dev eth0',
        misses: 'belongs to only one interface',
      },
      {
        type: `${PRINTER}; ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:66 dev eth0 nud permanent`,
        misses: 'the page of',
      },
      // Now it has that of another one.
      {
        type: `ip -n printer address del 192.168.15.3/24 dev eth0; ip -n printer address add 192.168.15.1/24 dev eth0; ip -n client neigh flush all nud all`,
        undo: 'ip -n printer address add 192.168.15.3/24 dev eth0; ip -n printer address del 192.168.15.1/24 dev eth0',
        misses: '192.168.15.1',
      },
    ],
    'ip netns delete printer; ip -n client neigh flush all nud all',
  ),
  puzzle(
    'puzzle-bridge-without-address',
    [
      {
        type: 'ip address add 192.168.15.1/32 dev vclient',
        undo: 'ip address del 192.168.15.1/32 dev vclient; ip -n client neigh flush all',
      },
      { type: 'ip address add 192.168.15.254/24 dev br0', undo: 'ip address flush dev br0' },
      {
        type: 'mkdir -p /srv/copy; echo "a page of the internet" >/srv/copy/index.html; ip -n web address add 198.51.100.7/32 dev lo; ip netns exec web busybox httpd -p 198.51.100.7:80 -h /srv/copy; ip -n client route add 198.51.100.7 via 192.168.15.3',
        undo: 'ip -n client route del 198.51.100.7; ip -n web address del 198.51.100.7/32 dev lo',
      },
    ],
    'ip address add 192.168.15.1/32 dev br0; ip route add 192.168.15.0/24 dev br0',
  ),
  puzzle(
    'puzzle-wrong-neighbour',
    [
      'ip -n client neigh flush all',
      'ip neigh flush all',
      'ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:98 dev eth0 nud permanent',
      'ip -n client link set eth0 down; ip -n client link set eth0 up; ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:99 dev eth0 nud permanent',
      // Until the next machine comes.
      {
        type: 'ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:03 dev eth0 nud permanent',
        undo: 'ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:99 dev eth0 nud permanent',
        misses: 'asks',
      },
      {
        type: 'ip -n web link set eth0 address 02:00:00:00:00:99',
        undo: 'ip -n web link set eth0 address 02:00:00:00:00:03',
        misses: 'asks',
      },
    ],
    'ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:03 dev eth0 nud stale',
  ),
];
