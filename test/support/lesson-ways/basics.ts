/** The lessons in the article's order: cable, host, masquerade, publish, bridge. */
import { publishWays } from './publish.ts';
import type { LessonWays } from './ways.ts';

const BLUE_MAC = "ip -n red neigh show 192.168.15.2 | grep -o '..:..:..:..:..:..' >/tmp/blue.mac";
const KNOW_RED =
  'ip -n blue neigh replace 192.168.15.1 lladdr $(ip netns exec red cat /sys/class/net/veth-red/address) dev veth-blue nud permanent';

const cable: LessonWays = {
  lesson: 'cable',
  steps: {
    veth: {
      wrong: [
        {
          type: 'ip link add veth-red type bridge; ip link add veth-blue type bridge',
          undo: 'ip link del veth-red; ip link del veth-blue',
        },
        {
          type: 'ip link add veth-red type veth peer name a; ip link add veth-blue type veth peer name b',
          undo: 'ip link del veth-red; ip link del veth-blue',
        },
      ],
      right: 'ip link add dev veth-blue type veth peer name veth-red',
    },
    namespaces: {
      wrong: [
        'ip netns add red',
        { type: 'ip netns attach blue $$', undo: 'ip netns del blue', misses: 'blue exists' },
        {
          type: 'touch /run/netns/blue; mount --bind /run/netns/red /run/netns/blue',
          undo: 'ip netns del blue',
        },
      ],
      right: 'ip netns add blue',
    },
    move: {
      wrong: [
        'ip link set veth-red netns red',
        { type: 'ip link set veth-blue netns red', undo: 'ip -n red link set veth-blue netns 1' },
        {
          type: 'ip -n blue link add veth-blue type bridge',
          undo: 'ip -n blue link del veth-blue',
          misses: 'ends of one cable',
        },
      ],
      right: 'ip link set veth-blue netns blue',
    },
    addresses: {
      wrong: [
        {
          type: 'ip -n red addr add 192.168.15.1 dev veth-red; ip -n blue addr add 192.168.15.2/24 dev veth-blue',
          undo: 'ip -n red addr flush dev veth-red; ip -n blue addr flush dev veth-blue',
          misses: 'veth-red in red',
        },
        {
          type: 'ip -n red addr add 192.168.15.2/24 dev veth-red; ip -n blue addr add 192.168.15.1/24 dev veth-blue',
          undo: 'ip -n red addr flush dev veth-red; ip -n blue addr flush dev veth-blue',
        },
        { type: 'ip -n red addr add 192.168.15.1/24 dev veth-red', misses: 'veth-blue in blue' },
        // The first try was in the wrong namespace, and stays.
        {
          type: 'ip -n blue addr add 192.168.15.1/24 dev veth-blue; ip -n blue addr add 192.168.15.2/24 dev veth-blue',
          undo: 'ip -n blue addr flush dev veth-blue',
          misses: 'the other’s',
        },
      ],
      right: 'ip -n blue addr add 192.168.15.2/24 dev veth-blue',
    },
    up: {
      wrong: [{ type: 'ip -n red link set veth-red up', misses: 'veth-blue is up' }],
      right: 'ip -n blue link set veth-blue up',
    },
    ping: {
      wrong: [
        'true',
        'ip netns exec blue ping -c 1 -W 1 192.168.15.1',
        'ip -n red link set lo up; ip netns exec red ping -c 1 -W 1 192.168.15.1',
      ],
      right: 'ip netns exec red busybox ping -c 1 192.168.15.2',
    },
    neighbours: {
      wrong: [
        { type: BLUE_MAC, misses: 'blue’s table' },
        {
          type: 'ip -n blue neigh replace 192.168.15.1 lladdr 02:00:00:00:00:01 dev veth-blue nud permanent',
          misses: 'blue’s table',
        },
        { type: KNOW_RED.replace('permanent', 'reachable'), misses: 'blue’s table' },
        {
          type: `${KNOW_RED}; ip -n red link show veth-red >/tmp/blue.mac`,
          misses: '/tmp/blue.mac',
        },
        ...['192.168.15.1', '192.168.15.2'].map((address) => ({
          type: `${BLUE_MAC}; ip neigh add ${address} lladdr 02:00:00:00:00:03 dev eth0`,
          undo: `ip neigh del ${address} dev eth0`,
          misses: 'the host’s own table',
        })),
      ],
      // The whole line that ip writes holds the address, too.
      right: 'ip -n red neigh show 192.168.15.2 > /tmp/blue.mac',
    },
  },
};

const host: LessonWays = {
  lesson: 'host',
  steps: {
    cable: {
      wrong: ['ip link add veth-host type veth peer name veth-ns'],
      right: 'ip link set veth-ns netns red',
    },
    talk: {
      wrong: [
        {
          type: 'ip addr add 192.168.15.10/24 dev veth-host; ip link set veth-host up; ip -n red addr add 192.168.15.1/32 dev veth-ns; ip -n red link set veth-ns up',
          undo: 'ip -n red addr flush dev veth-ns',
        },
        {
          type: 'ip -n red addr add 192.168.15.1/24 dev veth-ns; ip addr add 192.168.15.1/32 dev veth-host',
          undo: 'ip addr del 192.168.15.1/32 dev veth-host',
        },
        {
          type: 'ip netns exec red iptables -A INPUT -p icmp --icmp-type echo-request -j DROP',
          undo: 'ip netns exec red iptables -F',
          misses: 'the host reaches red',
        },
        { type: 'ip link set veth-host down', undo: 'ip link set veth-host up' },
      ],
      right: 'ping -c 1 192.168.15.1',
    },
  },
};

const masquerade: LessonWays = {
  lesson: 'masquerade',
  steps: {
    route: {
      wrong: [
        {
          type: 'ip -n red route add 198.51.100.7 via 192.168.15.10',
          undo: 'ip -n red route del 198.51.100.7',
        },
        'ip -n red route add default via 192.168.15.77',
        // A default route like that is there, but it is not the one that is taken.
        'ip -n red route add default via 192.168.15.10 metric 100',
      ],
      right: 'ip -n red route del default via 192.168.15.77',
    },
    forward: {
      wrong: [
        'echo 1 >/proc/sys/net/ipv4/conf/default/forwarding',
        'ip netns exec red sysctl -q -w net.ipv4.ip_forward=1',
      ],
      right: 'echo 1 >/proc/sys/net/ipv4/conf/all/forwarding',
    },
    masquerade: {
      wrong: [
        ...['192.168.15.0/24', '192.168.15.1/32', 'default'].map((way) => ({
          type: `ip -n outside route add ${way} via 203.0.113.2`,
          undo: `ip -n outside route del ${way}`,
          misses: 'outside still has no route',
        })),
        {
          type: 'ip -n outside route add default via 203.0.113.2 table 99; for p in "tcp sport 80" icmp; do ip -n outside rule add ipproto $p table 99; done',
          undo: 'ip -n outside rule del table 99; ip -n outside rule del table 99; ip -n outside route flush table 99',
          misses: 'outside still has no route',
        },
        'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o veth-host -j MASQUERADE',
        {
          type: 'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j SNAT --to-source 192.168.15.10',
          undo: 'iptables -t nat -F POSTROUTING',
        },
        // Red does it, and the host answers for an address that it does not have.
        {
          type: 'iptables -t nat -F; ip -n red addr add 203.0.113.50/32 dev lo; ip netns exec red iptables -t nat -A POSTROUTING -j SNAT --to-source 203.0.113.50; ip route add 203.0.113.50 via 192.168.15.1; sysctl -qw net.ipv4.conf.eth0.proxy_arp=1',
          undo: 'ip -n red addr del 203.0.113.50/32 dev lo; ip netns exec red iptables -t nat -F; ip route del 203.0.113.50; sysctl -qw net.ipv4.conf.eth0.proxy_arp=0',
          misses: 'outside still has no route',
        },
        // Somebody else answers for the internet.
        {
          type: 'ip addr add 198.51.100.7/32 dev lo; busybox httpd -p 198.51.100.7:80 -h /srv/internet',
          undo: 'ip addr del 198.51.100.7/32 dev lo',
        },
      ],
      right:
        "nft 'add table ip mine; add chain ip mine out { type nat hook postrouting priority 100; }; add rule ip mine out ip saddr 192.168.15.0/24 masquerade'",
    },
  },
};

const bridge: LessonWays = {
  lesson: 'bridge',
  steps: {
    pairs: {
      wrong: [
        'for n in red blue; do ip link add veth-$n type veth peer name veth-$n-br; done',
        {
          type: 'ip link set veth-red netns blue; ip link set veth-blue netns red',
          undo: 'ip -n blue link set veth-red netns 1; ip -n red link set veth-blue netns 1',
        },
        { type: 'ip link set veth-red netns red', misses: 'veth-blue, in blue' },
      ],
      right: 'ip link set veth-blue netns blue',
    },
    bridge: {
      wrong: [
        {
          type: 'ip link add v-net-0 type veth peer name plug; ip link set v-net-0 up',
          undo: 'ip link del v-net-0',
        },
        { type: 'ip link add v-net-0 type bridge', misses: 'v-net-0 is up' },
      ],
      right: 'ip link set v-net-0 up',
    },
    plug: {
      wrong: [
        { type: 'for n in red blue; do ip link set veth-$n-br master v-net-0; done', misses: 'both are up' },
        { type: 'ip link set veth-red-br up', misses: 'both are up' },
        {
          type: 'ip link add other type bridge; ip link set veth-blue-br master other up',
          undo: 'ip link del other',
          misses: 'are ports of v-net-0',
        },
        {
          type: 'ip link set veth-blue-br master v-net-0 up; ip link set v-net-0 down',
          undo: 'ip link set v-net-0 up; ip link set veth-blue-br nomaster',
          misses: 'v-net-0 is still up',
        },
      ],
      right: 'ip link set veth-blue-br master v-net-0 up',
    },
    addresses: {
      wrong: [
        'ip -n red addr add 192.168.15.1 dev veth-red; for n in red blue; do ip -n $n link set veth-$n up; done',
        { type: 'ip -n blue addr add 192.168.15.2/24 dev veth-blue', misses: 'veth-red has' },
        {
          type: 'ip -n red addr add 192.168.15.1/24 dev veth-red; ip -n blue link set veth-blue down',
          misses: 'veth-blue has',
        },
        {
          type: 'ip -n blue link set veth-blue up; ip -n red addr add 192.168.15.2/24 dev veth-red',
          undo: 'ip -n red addr del 192.168.15.2/24 dev veth-red; ip -n blue link set veth-blue down',
          misses: 'the other’s',
        },
      ],
      right: 'ip -n blue link set veth-blue up',
    },
    ping: {
      wrong: [
        'true',
        'ip netns exec blue ping -c 1 -W 1 192.168.15.1',
        'ip -n red link set lo up; ip netns exec red ping -c 1 -W 1 192.168.15.1',
      ],
      right: 'ip netns exec red busybox ping -c 1 192.168.15.2',
    },
  },
};

export const basicWays: readonly LessonWays[] = [cable, host, masquerade, publishWays, bridge];
