/** The lessons on where the article falls short. */
import { articleFirewallWays } from './article-firewall.ts';
import type { LessonWays } from './ways.ts';

const twoCables: LessonWays = {
  lesson: 'article-two-cables-one-subnet',
  steps: {
    see: {
      wrong: [
        // Asking twice is not a way: the first look must not leave what the second one finds.
        'true',
        'true',
        'ip netns exec red ping -c 1 -W 1 192.168.15.2',
        {
          type: 'ip -n red neigh add 192.168.15.10 lladdr 02:00:00:00:00:09 dev veth-red',
          undo: 'ip -n red neigh del 192.168.15.10 dev veth-red || true',
        },
      ],
      right: 'busybox ping -c 1 -W 1 192.168.15.1 || true',
    },
    mend: {
      wrong: [
        'ip neigh flush all',
        // The host pings itself.
        { type: 'ip address add 192.168.16.1/32 dev lo', undo: 'ip address del 192.168.16.1/32 dev lo' },
        { type: 'ip -n red address del 192.168.15.1/24 dev veth-red', misses: 'red still pings' },
      ],
      right:
        'ip -n red address add 192.168.15.1/24 dev veth-red; ip -n red route add 192.168.15.2/32 dev veth-red; ip -n red route add 192.168.15.10/32 dev veth-ns',
    },
  },
};

/** By a narrower route instead of another subnet. */
const twoCablesByRoute: LessonWays = {
  lesson: 'article-two-cables-one-subnet',
  steps: {
    mend: {
      wrong: [
        {
          type: 'ip -n red address del 192.168.15.1/24 dev veth-ns',
          undo: 'ip -n red address add 192.168.15.1/24 dev veth-ns',
        },
      ],
      right: 'ip -n red route add 192.168.15.10/32 dev veth-ns',
    },
  },
};

const noWayOut: LessonWays = {
  lesson: 'article-no-way-out',
  steps: {
    see: {
      wrong: [
        'true',
        'ping -c 1 -W 1 198.51.100.7',
        'ip netns exec red ping -c 1 -W 1 192.168.15.10',
        'ip netns exec blue ping -c 1 -W 1 198.51.100.7 || true',
      ],
      right: 'ip netns exec red busybox wget -T 1 -qO- http://198.51.100.7/ || true',
    },
    route: {
      wrong: [
        {
          type: 'ip -n red addr add 198.51.100.7/32 dev veth-ns; ip -n red link set lo up',
          undo: 'ip -n red addr del 198.51.100.7/32 dev veth-ns',
        },
        {
          type: 'ip addr add 198.51.100.7/32 dev lo; ip -n red route add 198.51.100.7 via 192.168.15.10',
          undo: 'ip addr del 198.51.100.7/32 dev lo; ip -n red route del 198.51.100.7',
        },
        { type: 'ip -n red route add default dev veth-ns', undo: 'ip -n red route del default' },
      ],
      right: 'ip -n red route add 198.51.100.0/24 via 192.168.15.10',
    },
    bridge: {
      wrong: [
        {
          type: 'for n in blue green; do ip -n $n route add 198.51.100.7 dev veth-$n; done; ip address add 192.168.16.1/32 dev veth-blue-br',
          undo: 'ip address flush dev veth-blue-br',
        },
        {
          type: 'ip address add 192.168.16.254/24 dev v-net-0; ip -n blue route replace 198.51.100.7 via 192.168.16.254',
          misses: 'green pings',
        },
      ],
      right: 'ip -n green route replace 198.51.100.7 via 192.168.16.254',
    },
  },
};

const spellings: LessonWays = {
  lesson: 'article-old-spellings',
  steps: {
    neigh: {
      wrong: [
        {
          type: 'ip -n red neigh del 192.168.15.77 dev veth-red; ip -n red neigh replace 192.168.15.2 lladdr 02:00:00:00:00:99 dev veth-red nud permanent',
          misses: "blue's MAC address",
        },
        {
          type: 'ip -n red neigh replace 192.168.15.2 lladdr 02:00:00:00:00:02 dev veth-red nud reachable',
          misses: "blue's MAC address",
        },
        {
          type: 'ip -n red neigh replace 192.168.15.2 lladdr 02:00:00:00:00:02 dev veth-ns nud permanent',
          undo: 'ip -n red neigh del 192.168.15.2 dev veth-ns',
          misses: "blue's MAC address",
        },
        {
          type: 'ip -n red neigh replace 192.168.15.2 lladdr 02:00:00:00:00:02 dev veth-red nud permanent; ip -n red neigh replace 192.168.15.77 lladdr 02:00:00:00:00:02 dev veth-red nud permanent',
          misses: '192.168.15.77',
        },
      ],
      right: 'ip -n red neigh del 192.168.15.77 dev veth-red',
    },
    state: {
      wrong: [
        {
          type: 'ip -n outside route del 192.168.16.0/24',
          undo: 'ip -n outside route add 192.168.16.0/24 via 203.0.113.2',
          misses: 'the host must close',
        },
        {
          type: 'ip netns exec outside iptables -A OUTPUT -d 192.168.16.1 -j DROP',
          undo: 'ip netns exec outside iptables -F OUTPUT',
          misses: 'the host must close',
        },
        {
          type: 'iptables -t nat -F PREROUTING',
          undo: 'iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.168.16.1:80',
        },
        'iptables -D FORWARD 1',
      ],
      right:
        'iptables -A FORWARD -p tcp -d 192.168.16.1 --dport 80 -j ACCEPT; iptables -t raw -A PREROUTING -i eth0 -d 192.168.16.1 -j DROP',
    },
  },
};

const GHOST = "$(lsns -n -r -l -t net -o PID,COMMAND | sed -n 's/ busybox.*//p')";

const again: LessonWays = {
  lesson: 'article-namespace-exists',
  steps: {
    recreate: {
      wrong: [
        // The old one, without its mark.
        {
          type: 'ip -n red link set veth-red down; ip -n red link set veth-red name old',
          undo: 'ip -n red link set old name veth-red; ip -n red link set veth-red up',
          misses: 'it is a new one',
        },
        // The old one, emptied: its server is gone, and so is its cable.
        {
          type: 'kill $(ip netns pids red); ip -n red link del veth-red',
          undo: 'ip link add veth-red netns red type veth peer name veth-blue netns blue; ip -n red addr add 192.168.15.1/24 dev veth-red; ip -n blue addr add 192.168.15.2/24 dev veth-blue; ip -n red link set veth-red up; ip -n blue link set veth-blue up; ip netns exec red busybox httpd -p 80 -h /srv/red-80',
          misses: 'it is a new one',
        },
        'ip netns delete red',
        { type: 'ip netns attach red 1', undo: 'ip netns delete red' },
      ],
      right: 'ip netns add red',
    },
    ghost: {
      wrong: [
        'ip -n blue link set veth-blue down',
        'ip netns delete red; ip netns add red',
        // It has a name now, and lives on.
        { type: `ip netns attach old ${GHOST}`, undo: 'ip netns delete old' },
        { type: 'ip -n blue link del veth-blue', misses: 'every process' },
      ],
      right: 'for p in /proc/[0-9]*; do case $(readlink $p/exe) in */busybox) kill ${p#/proc/} ;; esac; done',
    },
    cable: {
      wrong: [
        {
          type: 'ip link add veth-host type veth peer name veth-ns netns red; ip addr add 192.168.15.11/24 dev veth-host; ip link set veth-host up; ip -n red addr add 192.168.15.1/24 dev veth-ns; ip -n red link set veth-ns up',
          misses: '192.168.15.10/24',
        },
        {
          type: 'ip addr flush dev veth-host; ip addr add 192.168.15.10/24 dev veth-host; ip -n red link add twin type bridge; ip -n red addr add 192.168.15.1/32 dev twin',
          undo: 'ip -n red link del twin',
          misses: 'once',
        },
        { type: 'ip -n red link set veth-ns down', undo: 'ip -n red link set veth-ns up', misses: 'pings' },
      ],
      right: 'ip -n red addr show',
    },
  },
};

export const articleWays: readonly LessonWays[] = [
  twoCables,
  twoCablesByRoute,
  noWayOut,
  ...articleFirewallWays,
  spellings,
  again,
];
