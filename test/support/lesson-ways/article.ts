/** The lessons on where the article falls short. */
import { stopAt, type LessonWays } from './ways.ts';

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

const OUTPUT = 'iptables -t nat -A OUTPUT -p tcp --dport 8080';
const TO_RED = '-j DNAT --to-destination 192.168.15.1:80';
const LOOPBACK =
  'echo 1 >/proc/sys/net/ipv4/conf/veth-host/route_localnet; iptables -t nat -A POSTROUTING -s 127.0.0.0/8 -o veth-host -j MASQUERADE';

const greedyDnat: LessonWays = {
  lesson: 'article-greedy-dnat',
  steps: {
    see: {
      wrong: [
        // Asking twice is not a way: the first look must not leave what the second one finds.
        'true',
        'true',
        // This connection the rule was made for.
        'ip netns exec outside busybox wget -qO- http://203.0.113.2:8080/',
      ],
      right: 'ip netns exec green busybox wget -qO- http://198.51.100.7:8080/',
    },
    local: {
      wrong: [
        // One machine is excepted, and the next one is caught.
        {
          type: 'iptables -t nat -I PREROUTING 1 -d 198.51.100.7 -p tcp --dport 8080 -j ACCEPT',
          undo: 'iptables -t nat -D PREROUTING 1',
          misses: 'any machine',
        },
        { type: 'iptables -t nat -R PREROUTING 1 -p tcp --dport 8080 -i vgreen -j ACCEPT' },
        `iptables -t nat -R PREROUTING 1 -d 198.51.100.7 -p tcp --dport 8080 ${TO_RED}`,
        { type: 'iptables -t nat -F PREROUTING', misses: 'outside gets' },
        { type: 'busybox httpd -p 8080 -h /srv/red-80', undo: stopAt(8080), misses: 'outside gets' },
      ],
      right: `iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 ${TO_RED}`,
    },
    own: {
      wrong: [
        { type: 'busybox httpd -p 8080 -h /srv/red-80', undo: stopAt(8080) },
        { type: `${OUTPUT} -m addrtype --dst-type LOCAL ${TO_RED}`, misses: '127.0.0.1' },
        // The very mistake that this lesson is about, once more.
        {
          type: `${LOOPBACK}; iptables -t nat -F OUTPUT; ${OUTPUT} ${TO_RED}`,
          misses: 'other machines stay as they are',
        },
        {
          type: `iptables -t nat -F OUTPUT; ${OUTPUT} -m addrtype --dst-type LOCAL ${TO_RED}; iptables -t nat -F PREROUTING`,
          undo: `iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 ${TO_RED}; iptables -t nat -F OUTPUT`,
          misses: 'outside gets',
        },
      ],
      right: `for a in 203.0.113.2 127.0.0.1; do ${OUTPUT} -d $a ${TO_RED}; done`,
    },
  },
};

const oneWay: LessonWays = {
  lesson: 'article-one-way-forward',
  steps: {
    see: {
      wrong: [
        'true',
        'true',
        // Dropped, but no answer.
        'ip netns exec red ping -c 1 -W 1 203.0.113.1 || true',
      ],
      right: 'ip netns exec outside busybox wget -T 1 -qO- http://203.0.113.2:8080/ 2>/dev/null || true',
    },
    mend: {
      wrong: [
        'iptables -P FORWARD ACCEPT',
        {
          type: `kill $(ip netns exec red ss -Hltnp 'sport = :81' | grep -o 'pid=[0-9]*' | cut -d= -f2)`,
          undo: 'ip netns exec red busybox httpd -p 81 -h /srv/red-81',
        },
        {
          type: 'ip -n outside route del 192.168.15.0/24',
          undo: 'ip -n outside route add 192.168.15.0/24 via 203.0.113.2',
          misses: 'the host must close',
        },
        {
          type: 'ip netns exec outside iptables -A OUTPUT -d 192.168.15.1 -j DROP',
          undo: 'ip netns exec outside iptables -F OUTPUT',
          misses: 'the host must close',
        },
        // All but this one port.
        {
          type: 'iptables -I FORWARD -p tcp -d 192.168.15.1 --dport 81 -j DROP',
          undo: 'iptables -D FORWARD 1; iptables -P FORWARD DROP',
          misses: 'another port of red',
        },
        // Anybody can send an ACK.
        {
          type: 'iptables -A FORWARD -p tcp ! --syn -j ACCEPT',
          undo: 'iptables -D FORWARD 2',
          misses: 'another port of red',
        },
        {
          type: 'iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 443 -j ACCEPT',
          undo: 'iptables -D FORWARD 3; iptables -D FORWARD 2',
          misses: 'another port of red',
        },
        {
          type: 'iptables -A FORWARD -s 192.168.15.1 -j DROP; iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
          undo: 'iptables -D FORWARD 3; iptables -D FORWARD 2',
          misses: 'outside gets',
        },
      ],
      right: 'iptables -A FORWARD -p tcp -s 192.168.15.1 --sport 80 -j ACCEPT',
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
  greedyDnat,
  oneWay,
  spellings,
  again,
];
