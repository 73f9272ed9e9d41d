/** The ways of packets: hooks, iptables next to nft, IPv6. */
import type { LessonWays, Wrong } from './ways.ts';

const COUNT = (hooks: string, rule: string): string =>
  `for hook in ${hooks}; do nft "table ip mine { chain $hook { type filter hook $hook priority 0; ${rule}; }; }"; done`;
const DROP_MINE = 'nft delete table ip mine';
const rule = (words: string): Wrong => ({
  type: `ip rule add ${words}`,
  undo: `ip rule del ${words}`,
});
/** The way back is given first, and a policy that drops. */
const guard = (accept: string, misses: string): Wrong => ({
  type: `ip rule del iif veth-host to 198.51.100.7 prohibit; iptables -P FORWARD DROP; ${accept}`,
  undo: 'iptables -F FORWARD; iptables -P FORWARD ACCEPT; ip rule add iif veth-host to 198.51.100.7 prohibit',
  misses,
});

const packetPath: LessonWays = {
  lesson: 'packet-path',
  steps: {
    hooks: {
      wrong: [
        {
          type: COUNT('prerouting input forward output postrouting', 'tcp dport 80 counter'),
          undo: DROP_MINE,
        },
        {
          type: COUNT('prerouting forward postrouting', 'counter'),
          undo: DROP_MINE,
          misses: 'prerouting, input and output',
        },
        {
          type: COUNT('prerouting input output', 'counter'),
          undo: DROP_MINE,
          misses: 'prerouting, forward and postrouting',
        },
        // In another namespace, and in a chain that no hook calls.
        {
          type: `ip netns exec red bash -c '${COUNT('prerouting input forward output postrouting', 'counter')}'`,
          undo: 'ip netns exec red nft delete table ip mine',
        },
        {
          type: "nft 'table ip mine { chain prerouting { counter; }; chain input { counter; }; chain forward { counter; }; chain output { counter; }; chain postrouting { counter; }; }'",
          undo: DROP_MINE,
        },
      ],
      right:
        'for chain in INPUT FORWARD OUTPUT; do iptables -A $chain; done; for chain in PREROUTING POSTROUTING; do iptables -t mangle -A $chain -p icmp; done',
    },
    route: {
      wrong: [
        {
          type: 'ip route add unreachable 198.51.100.7',
          undo: 'ip route del unreachable 198.51.100.7',
          misses: 'the host gets',
        },
        {
          type: 'iptables -I FORWARD -d 198.51.100.7 -j REJECT --reject-with icmp-host-unreachable',
          undo: 'iptables -D FORWARD 1',
          misses: 'the kernel has no route',
        },
        { ...rule('iif veth-host to 198.51.100.7 blackhole'), misses: 'red hears' },
        { type: 'echo 0 >/proc/sys/net/ipv4/ip_forward', undo: 'echo 1 >/proc/sys/net/ipv4/ip_forward' },
        rule('iif veth-host unreachable'),
        {
          type: 'ip -n red route add unreachable 198.51.100.7',
          undo: 'ip -n red route del unreachable 198.51.100.7',
        },
      ],
      right: 'ip rule add iif veth-host to 198.51.100.7 prohibit',
    },
    connections: {
      wrong: [
        {
          type: 'ip rule del iif veth-host to 198.51.100.7 prohibit',
          undo: 'ip rule add iif veth-host to 198.51.100.7 prohibit',
          misses: 'nothing that the outside begins',
        },
        {
          type: 'ip rule del iif veth-host to 198.51.100.7 prohibit; iptables -P FORWARD DROP; iptables -A FORWARD -i veth-host -j ACCEPT',
          undo: 'iptables -F FORWARD; iptables -P FORWARD ACCEPT; ip rule add iif veth-host to 198.51.100.7 prohibit',
        },
        guard(
          'iptables -A FORWARD -i veth-host -j ACCEPT; iptables -A FORWARD -s 198.51.100.7 -j ACCEPT; iptables -A FORWARD -s 203.0.113.1 -j ACCEPT',
          'nothing that the outside begins',
        ),
        guard(
          'iptables -A FORWARD -i veth-host -j ACCEPT; iptables -A FORWARD -p tcp --sport 80 -j ACCEPT; iptables -A FORWARD -p icmp --icmp-type echo-reply -j ACCEPT',
          'nothing that the outside begins',
        ),
        guard(
          'iptables -A FORWARD -i veth-host -j ACCEPT; iptables -A FORWARD -p tcp ! --syn -j ACCEPT; iptables -A FORWARD -p icmp --icmp-type echo-reply -j ACCEPT',
          'nothing that the outside begins',
        ),
        // Red may begin what the other lines of the check try, and nothing else.
        guard(
          'iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT; iptables -A FORWARD -i veth-host -p tcp --dport 80 -j ACCEPT; iptables -A FORWARD -i veth-host -p icmp -j ACCEPT',
          'red may begin whatever it likes',
        ),
        guard(
          'iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT; iptables -A FORWARD -i veth-host -p tcp -j ACCEPT; iptables -A FORWARD -i veth-host -p icmp -j ACCEPT',
          'red may begin whatever it likes',
        ),
      ],
      right:
        'ip rule del iif veth-host to 198.51.100.7 prohibit; iptables -P FORWARD DROP; iptables -A FORWARD -i veth-host -j ACCEPT; iptables -A FORWARD -o veth-host -m conntrack --ctstate ESTABLISHED -j ACCEPT',
    },
  },
};

const CLEAN = 'iptables -P FORWARD ACCEPT; iptables -F; iptables -t nat -F';
const table = (
  forward: string,
  ports = 'ip daddr 203.0.113.2 tcp dport 8080 dnat to 192.168.15.1:80',
): string =>
  `nft 'table ip mine { chain a { type nat hook prerouting priority -100; ${ports}; }; chain b { type filter hook forward priority 0; ${forward}; }; chain c { type nat hook postrouting priority 100; oifname "eth0" masquerade; }; }'`;
const GUARDED = 'policy drop; ct state established accept; iifname "veth-host" accept; ct status dnat accept';
const MAP =
  'ip daddr 203.0.113.2 dnat ip to tcp dport map { 8080 : 192.168.15.1 . 80, 8081 : 192.168.15.1 . 81';

const iptablesNft: LessonWays = {
  lesson: 'iptables-nft',
  steps: {
    translate: {
      wrong: [
        { type: table(GUARDED), undo: 'nft delete table ip mine', misses: 'iptables has no rule' },
        {
          type: `iptables-save >/tmp/saved; ${CLEAN}; ${table('policy accept')}`,
          undo: 'nft delete table ip mine; iptables-restore /tmp/saved',
          misses: 'nothing else',
        },
        {
          type: `iptables-save >/tmp/saved; ${CLEAN}`,
          undo: 'iptables-restore /tmp/saved',
        },
        {
          type: `iptables-save >/tmp/saved; ${CLEAN}; iptables -P FORWARD DROP; ${table(GUARDED)}`,
          undo: 'nft delete table ip mine; iptables-restore /tmp/saved',
        },
        {
          type: `iptables-save >/tmp/saved; ${CLEAN}; ${table(GUARDED.replace('"veth-host" accept', '"veth-host" tcp dport 80 accept'))}`,
          undo: 'nft delete table ip mine; iptables-restore /tmp/saved',
          misses: 'red keeps its way out',
        },
        // Without the host's address the rule takes red's own connections to port 8080 of others, too.
        {
          type: `iptables-save >/tmp/saved; ${CLEAN}; ${table(GUARDED, 'tcp dport 8080 dnat to 192.168.15.1:80')}`,
          undo: 'nft delete table ip mine; iptables-restore /tmp/saved',
          misses: 'red keeps its way out',
        },
      ],
      right: `${CLEAN}; ${table(GUARDED)}`,
    },
    map: {
      wrong: [
        {
          type: 'for p in 1 2; do nft add rule ip mine a ip daddr 203.0.113.2 tcp dport 808$p dnat to 192.168.15.1:8$p; done',
          undo: 'nft flush chain ip mine a; nft add rule ip mine a tcp dport 8080 dnat to 192.168.15.1:80',
          misses: 'exactly one rule',
        },
        {
          type: `nft flush chain ip mine a; nft 'add rule ip mine a ${MAP} }'`,
          misses: 'page three',
        },
        {
          type: `nft flush chain ip mine a; nft 'add rule ip mine a ${MAP}, 8082 : 192.168.15.1 . 82 }'; nft flush chain ip mine b; nft 'add chain ip mine b { policy accept; }'`,
          undo: `nft delete table ip mine; ${table(GUARDED)}`,
          misses: 'nothing else',
        },
        {
          type: `nft flush chain ip mine a; nft 'add rule ip mine a ${MAP.replace('ip daddr 203.0.113.2 ', '')}, 8082 : 192.168.15.1 . 82 }'`,
          misses: 'red keeps its way out',
        },
      ],
      right: `nft flush chain ip mine a; nft 'add rule ip mine a ${MAP}, 8082 : 192.168.15.1 . 82 }'`,
    },
  },
};

export const routeWays: readonly LessonWays[] = [packetPath, iptablesNft];
