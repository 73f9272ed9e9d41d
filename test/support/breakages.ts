/**
 * Ways to break a network, each with the cause that `why` has to name. They are applied one after the other to one
 * host, which `SCENERY` describes, and each is undone before the next.
 */

import {
  BRIDGE_MAC,
  FORGET,
  INTERNET,
  NO_WORLD,
  OUTSIDE,
  PUBLISHED,
  WORLD,
  connections,
  fetch,
  forward,
  outside,
  perl,
  rpFilter,
  table,
  type Breakage,
} from './breakages/terms.ts';
import { mistakes } from './breakages/mistakes.ts';
import { machines } from './breakages/machines.ts';
import { misplaced } from './breakages/misplaced.ts';
import { sizes } from './breakages/sizes.ts';
import { policies } from './breakages/policies.ts';
import { ways } from './breakages/ways.ts';
import { filtersInside } from './breakages/filters-inside.ts';

const links: readonly Breakage[] = [
  {
    name: 'bridge down',
    broken: 'ip link set minidock0 down',
    undo: 'ip link set minidock0 up',
    client: fetch('http://$WEB/'),
    asked: [
      [['web:80'], 'link-down'],
      [[OUTSIDE], 'link-down'],
      [[`app -> ${INTERNET}:80`], 'link-down'],
    ],
  },
  {
    name: 'bridge without its address',
    broken: 'ip addr del 172.17.0.1/16 dev minidock0',
    undo: 'ip addr add 172.17.0.1/16 dev minidock0',
    client: PUBLISHED,
    asked: [...outside('no-gateway'), [['web:80'], 'no-gateway']],
  },
  {
    name: "host's end of the cable down",
    broken: 'ip link set $WEB_LINK down',
    undo: 'ip link set $WEB_LINK up',
    client: PUBLISHED,
    asked: [...outside('link-down'), [['app -> web:80'], 'link-down']],
  },
  {
    name: 'unplugged',
    broken: 'ip link set $WEB_LINK nomaster',
    undo: 'ip link set $WEB_LINK master minidock0 && bridge link set dev $WEB_LINK hairpin on',
    client: PUBLISHED,
    asked: [...outside('unplugged'), [['app -> web:80'], 'unplugged']],
    mended: true,
  },
  {
    name: "container's end down",
    broken: '$WEB_NS ip link set eth0 down',
    undo: '$WEB_NS ip link set eth0 up; $WEB_NS ip route replace default via 172.17.0.1',
    client: PUBLISHED,
    asked: outside('link-down'),
    mended: true,
  },
  {
    name: 'uplink down',
    broken: 'ip link set eth0 down',
    // The carrier comes back a while after the command.
    undo: `ip link set eth0 up; ip route add default via 192.0.2.1; until ${PUBLISHED}; do :; done`,
    client: PUBLISHED,
    asked: [[['outside -> 192.0.2.2:8080'], 'uplink-down']],
  },
  {
    name: 'port of the bridge isolated',
    broken: 'for l in $WEB_LINK $APP_LINK; do bridge link set dev $l isolated on; done',
    undo: 'for l in $WEB_LINK $APP_LINK; do bridge link set dev $l isolated off; done',
    asked: [[['app -> web:80'], 'isolated']],
  },
  {
    name: "wrong hardware address, typed into the host's table",
    broken: 'ip neigh replace $WEB lladdr 02:00:00:00:00:99 dev minidock0 nud permanent',
    undo: 'ip neigh del $WEB dev minidock0',
    client: PUBLISHED,
    asked: [...outside('wrong-neighbour'), [['web:80'], 'wrong-neighbour']],
  },
  {
    name: "wrong hardware address of the gateway in a container's table",
    broken: '$WEB_NS ip neigh replace 172.17.0.1 lladdr 02:00:00:00:00:99 dev eth0 nud permanent',
    undo: '$WEB_NS ip neigh del 172.17.0.1 dev eth0',
    client: PUBLISHED,
    asked: [...outside('wrong-neighbour'), [[`web -> ${INTERNET}:80`], 'wrong-neighbour']],
  },
  {
    name: "wrong hardware address of a neighbour in a container's table",
    broken: '$APP_NS ip neigh replace $WEB lladdr 02:00:00:00:00:99 dev eth0 nud permanent',
    undo: '$APP_NS ip neigh del $WEB dev eth0',
    client: `$APP_NS ${fetch('http://$WEB/')}`,
    asked: [
      [['app -> web:80'], 'wrong-neighbour'],
      [[OUTSIDE], 'works'],
    ],
  },
  {
    name: "ARP off at the container's end",
    broken: '$WEB_NS ip link set eth0 arp off; ip neigh flush all; $APP_NS ip neigh flush all',
    undo: '$WEB_NS ip link set eth0 arp on',
    asked: [[['app -> web:80'], 'arp-off']],
    mended: true,
  },
  {
    name: 'a port of the bridge that neither learns nor floods',
    broken:
      'bridge link set dev $WEB_LINK learning off flood off; ip link set $WEB_LINK down; ip link set $WEB_LINK up',
    undo: 'bridge link set dev $WEB_LINK learning on flood on',
    client: PUBLISHED,
    asked: [...outside('port-unlearnt'), [['app -> web:80'], 'port-unlearnt'], [['web:80'], 'port-unlearnt']],
    mended: true,
  },
  {
    name: 'smaller frames at one end of the cable',
    broken: 'ip link set $WEB_LINK mtu 600',
    undo: 'ip link set $WEB_LINK mtu 1500',
    asked: [...outside('mtu'), [['app -> web:80'], 'mtu'], [['web:80'], 'mtu']],
  },
  {
    name: 'a narrow uplink, and ICMP dropped',
    broken: `ip link set eth0 mtu 1200; nft 'table ip strict { chain gate { type filter hook output priority 0; icmp type destination-unreachable drop; }; }'`,
    undo: 'ip link set eth0 mtu 1500; nft delete table ip strict',
    asked: [[['outside -> :8090'], 'mtu']],
  },
];

const routes: readonly Breakage[] = [
  {
    name: 'forwarding off',
    broken: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
    undo: 'echo 1 >/proc/sys/net/ipv4/ip_forward',
    client: PUBLISHED,
    asked: [...outside('forwarding-off'), [[`app -> ${INTERNET}:80`], 'forwarding-off']],
  },
  {
    name: 'forwarding off on one interface',
    broken: 'echo 0 >/proc/sys/net/ipv4/conf/eth0/forwarding',
    undo: 'echo 1 >/proc/sys/net/ipv4/conf/eth0/forwarding',
    client: PUBLISHED,
    asked: outside('unroutable'),
  },
  {
    name: 'a route that swallows the container',
    broken: 'ip route add blackhole $WEB',
    undo: 'ip route del blackhole $WEB 2>/dev/null || true',
    client: PUBLISHED,
    asked: [...outside('no-route'), [['host -> :8080'], 'no-route'], [['web:80'], 'no-route']],
    mended: true,
  },
  {
    name: 'another interface with a narrower subnet',
    broken: 'ip addr add 172.17.0.250/25 dev br7; ip route add 172.17.0.0/25 dev br7',
    undo: 'ip route del 172.17.0.0/25 dev br7; ip addr del 172.17.0.250/25 dev br7',
    client: PUBLISHED,
    asked: [...outside('no-route'), [['host -> :8080'], 'no-route']],
  },
  {
    name: 'container without a way out',
    broken: '$WEB_NS ip route del default',
    undo: '$WEB_NS ip route replace default via 172.17.0.1',
    client: PUBLISHED,
    asked: [...outside('no-way-back'), [[`web -> ${INTERNET}:80`], 'no-route']],
    mended: true,
  },
  {
    name: 'container with another gateway',
    broken: '$WEB_NS ip route replace default via 172.17.0.99',
    undo: '$WEB_NS ip route replace default via 172.17.0.1',
    client: PUBLISHED,
    asked: [...outside('wrong-gateway'), [[`web -> ${INTERNET}:80`], 'wrong-gateway']],
  },
  {
    name: 'container with another address',
    broken: '$WEB_NS ip addr flush dev eth0; $WEB_NS ip addr add 172.17.0.77/16 dev eth0',
    undo: '$WEB_NS ip addr flush dev eth0; $WEB_NS ip addr add $WEB/16 dev eth0; $WEB_NS ip route add default via 172.17.0.1',
    client: PUBLISHED,
    asked: outside('wrong-address'),
    mended: true,
  },
  {
    name: 'a route that swallows one client',
    broken: 'ip route add blackhole 203.0.113.50',
    undo: 'ip route del blackhole 203.0.113.50',
    asked: [
      [['--from', '203.0.113.50', ':8080'], 'client-route'],
      [['--from', '203.0.113.51', ':8080'], 'works'],
      [[OUTSIDE], 'works'],
    ],
  },
  {
    name: 'a route that swallows the network of a client',
    broken: 'ip route add blackhole 203.0.113.0/24',
    undo: 'ip route del blackhole 203.0.113.0/24 2>/dev/null || true',
    asked: [[['--from', '203.0.113.50', ':8080'], 'client-route']],
    mended: true,
  },
  {
    name: 'a route that leads the answers to the network of a client elsewhere',
    broken: 'ip route add 203.0.113.0/24 via 10.7.0.2',
    undo: 'ip route del 203.0.113.0/24 2>/dev/null || true',
    asked: [[['--from', '203.0.113.50', ':8080'], 'client-route']],
    mended: true,
  },
  {
    name: 'a route that leads the answers to one client elsewhere',
    broken: 'ip route add 203.0.113.50 via 10.7.0.2',
    undo: 'ip route del 203.0.113.50',
    asked: [
      [['--from', '203.0.113.50', ':8080'], 'client-route'],
      [[OUTSIDE], 'works'],
    ],
  },
  {
    name: 'the same, and a strict reverse path filter',
    broken: `ip route add 203.0.113.50 via 10.7.0.2; ${rpFilter(1)}`,
    undo: `ip route del 203.0.113.50; ${rpFilter(0)}`,
    asked: [
      [['--from', '203.0.113.50', ':8080'], 'rp-filter'],
      [['--from', '203.0.113.51', ':8080'], 'works'],
    ],
  },
  {
    name: 'a rule in the container that prohibits the way back',
    broken: '$WEB_NS ip rule add to 198.18.0.0/15 prohibit pref 50',
    undo: '$WEB_NS ip rule del pref 50 || true',
    asked: outside('no-way-back'),
    mended: true,
  },
  {
    name: 'a rule in the container that prohibits the way out',
    broken: '$APP_NS ip rule add prohibit pref 50',
    undo: '$APP_NS ip rule del pref 50 || true',
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [[[`app -> ${INTERNET}:80`], 'no-route']],
    mended: true,
  },
  {
    name: 'a route in the container that swallows the way back',
    broken: '$WEB_NS ip route add blackhole 198.18.0.0/15',
    undo: '$WEB_NS ip route del 198.18.0.0/15 || true',
    asked: outside('no-way-back'),
    mended: true,
  },
  {
    name: 'a default route in the container that swallows everything',
    broken: '$WEB_NS ip route replace unreachable default',
    undo: '$WEB_NS ip route replace default via 172.17.0.1',
    client: PUBLISHED,
    asked: outside('no-way-back'),
    mended: true,
  },
  {
    name: 'a container whose address has no network',
    broken: '$WEB_NS ip addr flush dev eth0; $WEB_NS ip addr add $WEB/32 dev eth0',
    undo: '$WEB_NS ip addr flush dev eth0; $WEB_NS ip addr add $WEB/16 dev eth0; $WEB_NS ip route add default via 172.17.0.1',
    client: PUBLISHED,
    asked: [...outside('no-way-back'), [[`web -> ${INTERNET}:80`], 'no-route']],
    mended: true,
  },
  {
    name: 'nobody with that address',
    broken: 'true',
    undo: 'true',
    asked: [[['app -> 192.0.2.77:80'], 'no-neighbour']],
  },
];

const filters: readonly Breakage[] = [
  {
    name: 'postrouting flushed',
    broken:
      'nft list chain ip minidock postrouting >$DIR/postrouting; nft flush chain ip minidock postrouting',
    undo: 'nft flush chain ip minidock postrouting; { echo "table ip minidock {"; sed "1d;\\$d" $DIR/postrouting; echo "}"; } | nft -f -',
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [
      [[`app -> ${INTERNET}:80`], 'postrouting-flushed'],
      [['host', ':8080'], 'postrouting-flushed'],
      [['app -> 192.0.2.2:8080'], 'works'],
    ],
    mended: true,
  },
  {
    name: 'subnet not among those that are masqueraded',
    broken: 'nft delete element ip minidock subnets { 172.17.0.0/16 }',
    undo: 'nft add element ip minidock subnets { 172.17.0.0/16 }',
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [[[`app -> ${INTERNET}:80`], 'no-masquerade']],
  },
  {
    name: 'redirection missing',
    broken: "nft delete element ip minidock published '{ tcp . 8080 }'",
    undo: 'nft add element ip minidock published "{ tcp . 8080 : $WEB . 80 }"',
    asked: outside('rule-missing'),
  },
  {
    name: 'redirection to somebody else',
    broken:
      "nft delete element ip minidock published '{ tcp . 8080 }'; nft add element ip minidock published '{ tcp . 8080 : 172.17.0.99 . 80 }'",
    undo: `nft delete element ip minidock published '{ tcp . 8080 }'; nft add element ip minidock published "{ tcp . 8080 : $WEB . 80 }"`,
    client: PUBLISHED,
    asked: outside('rule-wrong'),
  },
  {
    name: 'policy of FORWARD',
    broken: 'iptables -P FORWARD DROP',
    undo: 'iptables -P FORWARD ACCEPT',
    client: PUBLISHED,
    asked: outside('dropped'),
  },
  {
    name: 'a rule that drops the packet',
    ...forward('tcp dport 80 drop'),
    client: PUBLISHED,
    asked: outside('dropped'),
  },
  {
    name: 'a rule that drops the answer',
    ...forward('tcp sport 80 drop'),
    client: PUBLISHED,
    asked: outside('dropped'),
  },
  {
    name: "a rule at the container's port that drops the answer",
    broken: `nft "table netdev strict { chain gate { type filter hook ingress device \\"$WEB_LINK\\" priority 0; tcp sport 80 drop; }; }"`,
    undo: 'nft delete table netdev strict',
    client: PUBLISHED,
    asked: [...outside('dropped'), [['app -> web:80'], 'dropped'], [['web:80'], 'dropped']],
  },
  {
    name: "a rule at the sender's port that drops the packet",
    broken: `nft "table netdev strict { chain gate { type filter hook ingress device \\"$APP_LINK\\" priority 0; tcp dport 80 drop; }; }"`,
    undo: 'nft delete table netdev strict',
    asked: [
      [['app -> web:80'], 'dropped'],
      [[OUTSIDE], 'works'],
    ],
  },
  {
    name: 'a rule that drops what follows the handshake',
    ...forward('tcp dport 80 tcp flags & (syn | fin | rst | psh) == psh drop'),
    asked: outside('request-lost'),
  },
  {
    name: "a rule that drops what is for the host's own program",
    ...table('chain gate { type filter hook input priority 10; tcp dport 7000 drop; }'),
    asked: [[['outside -> :7000'], 'dropped']],
  },
  {
    name: 'a rule inside the container',
    broken:
      "$WEB_NS nft 'table ip strict { chain gate { type filter hook input priority 0; tcp dport 80 drop; }; }'",
    undo: '$WEB_NS nft delete table ip strict',
    client: PUBLISHED,
    asked: outside('no-answer'),
  },
  {
    name: 'taken away by a rule before the redirection',
    ...table('chain pre { type nat hook prerouting priority -110; tcp dport 8080 dnat to 172.17.0.99:80; }'),
    client: PUBLISHED,
    asked: outside('astray'),
  },
  {
    name: "somebody else's redirection to where nobody listens",
    broken:
      'nft "table ip strict { chain pre { type nat hook prerouting priority -110; tcp dport 9000 dnat to 10.7.0.3:81; }; }"',
    undo: 'nft delete table ip strict',
    asked: [[['outside -> :9000'], 'foreign-dnat']],
  },
  {
    name: "somebody else's redirection to nobody",
    broken:
      'nft "table ip strict { chain pre { type nat hook prerouting priority -110; tcp dport 9000 dnat to 10.7.0.9:80; }; }"',
    undo: 'nft delete table ip strict',
    asked: [[['outside -> :9000'], 'foreign-dnat']],
  },
  {
    name: "somebody else's redirection that works",
    broken:
      'nft "table ip strict { chain pre { type nat hook prerouting priority -110; tcp dport 9000 dnat to 10.7.0.3:80; }; }"',
    undo: 'nft delete table ip strict',
    asked: [[['outside -> :9000'], 'works']],
  },
];

const programs: readonly Breakage[] = [
  {
    name: 'server stopped',
    broken: 'kill -STOP $WEB_PID',
    undo: 'kill -CONT $WEB_PID',
    client: PUBLISHED,
    asked: [...outside('stopped'), [['app -> web:80'], 'stopped'], [['web:80'], 'stopped']],
  },
  {
    name: 'container paused',
    broken: '$MINIDOCK pause web',
    undo: '$MINIDOCK unpause web',
    client: PUBLISHED,
    asked: [...outside('paused'), [['app -> web:80'], 'paused'], [['web:80'], 'paused']],
  },
  {
    name: 'server that accepts nothing',
    broken:
      "$WEB_NS perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(82, INADDR_ANY)); listen(S, 5); sleep 100' </dev/null >/dev/null 2>&1 & echo $! >$DIR/pid; until $WEB_NS ss -Hltn | grep -q :82; do sleep 0.05; done",
    undo: 'kill $(cat $DIR/pid)',
    asked: [[['web:82'], 'not-accepted']],
  },
  {
    name: 'server that accepts, and says nothing',
    broken:
      "$WEB_NS perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(8000, INADDR_ANY)); listen(S, 5); while (accept(C, S)) { sysread(C, $b, 100); sleep 100 }' </dev/null >/dev/null 2>&1 & echo $! >$DIR/pid; until $WEB_NS ss -Hltn | grep -q :8000; do sleep 0.05; done",
    undo: 'kill $(cat $DIR/pid)',
    asked: [[['web:8000'], 'silent-program']],
  },
  {
    name: 'server that hangs up',
    broken:
      "$WEB_NS perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(8000, INADDR_ANY)); listen(S, 5); while (accept(C, S)) { close(C) }' </dev/null >/dev/null 2>&1 & echo $! >$DIR/pid; until $WEB_NS ss -Hltn | grep -q :8000; do sleep 0.05; done",
    undo: 'kill $(cat $DIR/pid)',
    asked: [[['web:8000'], 'closed']],
  },
  {
    name: 'nobody listens',
    broken: 'true',
    undo: 'true',
    asked: [
      [['web:81'], 'listen-none'],
      [[':9999'], 'listen-none'],
    ],
  },
  {
    name: 'listens on 127.0.0.1 only',
    broken: '$WEB_NS busybox httpd -p 127.0.0.1:83 -h /',
    undo: `kill $($WEB_NS ss -Hltnp 'sport = :83' | grep -o 'pid=[0-9]*' | cut -d= -f2)`,
    asked: [[['web:83'], 'listen-loopback']],
  },
  {
    name: 'refused on the internet',
    broken: 'true',
    undo: 'true',
    asked: [[[`app -> ${INTERNET}:4443`], 'refused']],
  },
  {
    name: 'asked for by the other protocol',
    broken: 'true',
    undo: 'true',
    asked: [[[':8080/udp'], 'wrong-protocol']],
  },
  {
    name: "the container's own address, from outside",
    broken: 'true',
    undo: 'true',
    asked: [[['outside', 'web:80'], 'dropped']],
  },
];

const namespaces: readonly Breakage[] = [
  {
    name: 'nothing is broken: from a namespace to another one, the host, a container, the world',
    broken: 'true',
    undo: 'true',
    asked: [
      [['netns:red -> 10.7.0.3:80'], 'works'],
      [['netns:red -> netns:blue:80'], 'works'],
      [['netns:red -> 192.0.2.2:8080'], 'works'],
      [['--from', '10.7.0.2', 'netns:blue:80'], 'works'],
      [['10.7.0.3:80'], 'works'],
    ],
  },
  {
    name: "a namespace's link down",
    broken: 'ip -n red link set eth0 down',
    undo: 'ip -n red link set eth0 up; ip -n red route add default via 10.7.0.1',
    asked: [[['netns:red -> 10.7.0.3:80'], 'link-down']],
  },
  {
    name: "a namespace's link down, on the way to the world",
    broken: 'ip -n red link set eth0 down',
    undo: 'ip -n red link set eth0 up; ip -n red route replace default via 10.7.0.1',
    asked: [[['netns:red -> 192.0.2.2:8080'], 'link-down']],
    mended: true,
  },
  {
    name: 'a namespace that nothing masquerades',
    broken: 'true',
    undo: 'iptables -t nat -F POSTROUTING',
    asked: [[[`netns:red -> ${INTERNET}:80`], 'no-masquerade']],
    mended: true,
  },
  {
    name: "the host's end of the sender's cable down",
    broken: 'ip link set vred down',
    undo: 'ip link set vred up',
    asked: [[['netns:red -> 10.7.0.3:80'], 'link-down']],
  },
  {
    name: "the host's end of the receiver's cable down",
    broken: 'ip link set vblue down',
    undo: 'ip link set vblue up',
    asked: [
      [['netns:red -> 10.7.0.3:80'], 'link-down'],
      [['10.7.0.3:80'], 'link-down'],
    ],
  },
  {
    name: 'their bridge down',
    broken: 'ip link set br7 down',
    undo: 'ip link set br7 up',
    asked: [
      [['netns:red -> 10.7.0.3:80'], 'link-down'],
      [['netns:red -> 192.0.2.2:8080'], 'link-down'],
    ],
  },
  {
    name: 'namespace without a way further',
    broken: 'ip -n red route del default',
    undo: 'ip -n red route replace default via 10.7.0.1',
    asked: [[['netns:red -> 192.0.2.2:8080'], 'no-route']],
    mended: true,
  },
  {
    name: 'the host on their bridge without an address',
    broken: 'ip addr del 10.7.0.1/24 dev br7; ip -n red neigh flush all',
    undo: 'ip addr add 10.7.0.1/24 dev br7',
    asked: [[['netns:red -> 192.0.2.2:8080'], 'no-gateway']],
  },
  {
    name: 'another bridge with their subnet, which was there first',
    broken:
      'ip route del 10.7.0.0/24 dev br7; ip link add br8 type bridge; ip addr add 10.7.0.1/24 dev br8; ip link set br8 up; ip route add 10.7.0.0/24 dev br7 metric 5',
    undo: 'ip link del br8; ip route replace 10.7.0.0/24 dev br7; ip route del 10.7.0.0/24 dev br7 metric 5',
    asked: [[['10.7.0.3:80'], 'no-route']],
  },
  {
    name: 'receiver without a way back',
    broken:
      'ip -n blue addr flush dev eth0; ip -n blue addr add 10.7.0.3/32 dev eth0; ip -n blue route del default || true',
    undo: 'ip -n blue addr flush dev eth0; ip -n blue addr add 10.7.0.3/24 dev eth0; ip -n blue route add default via 10.7.0.1',
    asked: [[['netns:red -> 10.7.0.3:80'], 'no-way-back']],
    mended: true,
  },
  {
    name: "wrong hardware address in a namespace's table",
    broken: 'ip -n red neigh replace 10.7.0.3 lladdr 02:00:00:00:00:99 dev eth0 nud permanent',
    undo: 'ip -n red neigh del 10.7.0.3 dev eth0',
    asked: [[['netns:red -> 10.7.0.3:80'], 'wrong-neighbour']],
  },
  {
    name: 'nobody listens in the namespace',
    broken: 'true',
    undo: 'true',
    asked: [[['netns:red -> 10.7.0.3:81'], 'listen-none']],
  },
  {
    name: "a namespace's server stopped",
    broken: 'kill -STOP $(ip netns pids blue)',
    undo: 'kill -CONT $(ip netns pids blue)',
    asked: [[['netns:red -> 10.7.0.3:80'], 'stopped']],
  },
];

/** Port 9000 of the host is blue's port 80. */
const TO_BLUE =
  "nft 'table ip strict { chain pre { type nat hook prerouting priority -110; tcp dport 9000 dnat to 10.7.0.3:80; }; }'";
const BLUE = 'outside -> :9000';
const BRIDGED = '/proc/sys/net/bridge/bridge-nf-call-iptables';

/** The packet comes to whom it is for, or nearly; the answer does not come back. */
const answers: readonly Breakage[] = [
  {
    name: 'a hairpin without masquerade',
    broken: `${TO_BLUE}; [ ! -e ${BRIDGED} ] || echo 0 >${BRIDGED}`,
    undo: `nft delete table ip strict; [ ! -e ${BRIDGED} ] || echo 1 >${BRIDGED}`,
    asked: [
      [['netns:red -> 192.0.2.2:9000'], 'hairpin'],
      [[BLUE], 'works'],
    ],
  },
  {
    name: 'a redirection whose answers leave by another router',
    broken: `${TO_BLUE}; ip netns add back; ip -n back link add eth0 type veth peer name eth1 netns blue; ip -n back addr add 10.8.0.1/24 dev eth0; ip -n back link set eth0 up; ip -n blue addr add 10.8.0.2/24 dev eth1; ip -n blue link set eth1 up; ip -n blue route replace default via 10.8.0.1`,
    undo: 'nft delete table ip strict; ip -n blue link del eth1; ip netns del back; ip -n blue route replace default via 10.7.0.1',
    asked: [[[BLUE], 'past-host']],
  },
  {
    name: 'a redirection to one whose router is gone',
    broken: `${TO_BLUE}; ip -n blue route replace default via 10.7.0.77`,
    undo: 'nft delete table ip strict; ip -n blue route replace default via 10.7.0.1',
    asked: [[[BLUE], 'dead-gateway']],
  },
  {
    name: 'a redirection to one without a way back',
    broken: `${TO_BLUE}; ip -n blue route del default`,
    undo: 'nft delete table ip strict; ip -n blue route replace default via 10.7.0.1',
    asked: [[[BLUE], 'no-way-back']],
    mended: true,
  },
  {
    name: 'a sender address that nobody has',
    broken: `${TO_BLUE}; nft 'add chain ip strict post { type nat hook postrouting priority 90; }; add rule ip strict post oifname br7 snat to 10.7.0.44'`,
    undo: 'nft delete table ip strict',
    asked: [[[BLUE], 'snat-astray']],
  },
  {
    name: 'a redirection of 127.0.0.1 without route_localnet',
    broken:
      "nft 'table ip strict { chain out { type nat hook output priority -110; ip daddr 127.0.0.1 tcp dport 9000 dnat to 10.7.0.3:80; }; }'",
    undo: 'nft delete table ip strict; iptables -t nat -F POSTROUTING; echo 0 >/proc/sys/net/ipv4/conf/br7/route_localnet',
    asked: [[['host', '127.0.0.1:9000'], 'localnet-off']],
    mended: true,
  },
  {
    name: 'the same by iptables',
    broken: 'iptables -t nat -A OUTPUT -d 127.0.0.1 -p tcp --dport 9000 -j DNAT --to-destination 10.7.0.3:80',
    undo: 'iptables -t nat -F OUTPUT; iptables -t nat -F POSTROUTING; echo 0 >/proc/sys/net/ipv4/conf/br7/route_localnet',
    asked: [[['host', '127.0.0.1:9000'], 'localnet-off']],
    mended: true,
  },
  {
    name: 'policy routing that leads the packet elsewhere',
    broken: 'ip route add 172.17.0.0/16 dev eth0 table 77; ip rule add iif eth0 to 172.17.0.0/16 lookup 77',
    undo: 'ip rule del iif eth0 to 172.17.0.0/16 lookup 77; ip route flush table 77',
    client: PUBLISHED,
    asked: outside('misrouted'),
  },
  {
    name: 'a route that leads the answer to a namespace elsewhere',
    broken: 'ip route add 10.7.0.2 dev eth0',
    undo: 'ip route del 10.7.0.2 dev eth0',
    asked: [[['netns:red -> 192.0.2.2:8080'], 'answer-astray']],
  },
  {
    name: 'a tunnel that takes the network of a namespace',
    broken: 'ip route add 10.7.0.0/29 dev eth0',
    undo: 'ip route del 10.7.0.0/29 dev eth0 2>/dev/null || true',
    asked: [[['netns:red -> 192.0.2.2:8080'], 'answer-astray']],
    mended: true,
  },
  {
    name: 'a rule of a VPN that takes the answers of the containers',
    broken: 'ip route add default dev eth0 table 77; ip rule add from 172.17.0.0/16 lookup 77 pref 100',
    undo: 'ip rule del pref 100 2>/dev/null || true; ip route flush table 77',
    asked: [[['netns:red -> 192.0.2.2:8080'], 'answer-astray']],
    mended: true,
  },
  {
    name: 'a route that swallows the answers to a namespace',
    broken: 'ip route add blackhole 10.7.0.0/30',
    undo: 'ip route del blackhole 10.7.0.0/30 2>/dev/null || true',
    asked: [[['netns:red -> 192.0.2.2:8080'], 'unroutable']],
    mended: true,
  },
  {
    name: "the reverse path filter at a namespace's neighbour, for another address of it",
    broken:
      'ip -n red addr add 10.66.0.9/32 dev lo; ip -n red route add 10.7.0.1 dev eth0 src 10.66.0.9; ip route add 10.66.0.0/16 dev eth0; ' +
      'echo 1 >/proc/sys/net/ipv4/conf/br7/rp_filter; ip -n red neigh flush all',
    undo: 'ip -n red addr del 10.66.0.9/32 dev lo; ip -n red route del 10.7.0.1 dev eth0 2>/dev/null || true; ip route del 10.66.0.0/16; echo 0 >/proc/sys/net/ipv4/conf/br7/rp_filter',
    asked: [[['netns:red -> 10.7.0.1:8080'], 'unroutable']],
  },
  {
    name: "the reverse path filter at a namespace's gateway",
    broken:
      'ip route add 10.7.0.2 dev eth0; echo 1 >/proc/sys/net/ipv4/conf/br7/rp_filter; ip -n red neigh flush all',
    undo: 'ip route del 10.7.0.2 dev eth0; echo 0 >/proc/sys/net/ipv4/conf/br7/rp_filter',
    asked: [[['netns:red -> 192.0.2.2:8080'], 'unroutable']],
  },
  {
    name: 'an address that the sender has too',
    broken: 'ip -n red addr add 10.7.0.3/32 dev lo; $APP_NS ip addr add $WEB/32 dev lo',
    undo: 'ip -n red addr del 10.7.0.3/32 dev lo; $APP_NS ip addr del $WEB/32 dev lo',
    asked: [
      [['netns:red -> netns:blue:80'], 'own-address'],
      [['app -> web:80'], 'own-address'],
    ],
  },
  {
    name: 'a namespace that is not plugged in',
    broken: 'ip link set vblue nomaster; ip -n red neigh flush all',
    undo: 'ip link set vblue master br7',
    asked: [[['netns:red -> netns:blue:80'], 'unplugged']],
  },
  {
    name: 'a rule inside the container that refuses',
    broken:
      "$WEB_NS nft 'table ip strict { chain gate { type filter hook input priority 0; tcp dport 80 reject with tcp reset; }; }'",
    undo: '$WEB_NS nft delete table ip strict',
    client: PUBLISHED,
    asked: outside('rejected'),
  },
];

export const breakages: readonly Breakage[] = [
  ...links,
  ...routes,
  ...filters,
  ...programs,
  ...misplaced,
  ...ways,
  ...filtersInside,
  ...answers,
  ...mistakes,
  ...machines,
  ...sizes,
  ...policies,
  ...namespaces,
  {
    name: 'ARP that a rule of the host drops',
    broken: `nft 'table arp strict { chain in { type filter hook input priority 0; drop; }; }'; ${FORGET}`,
    undo: 'nft delete table arp strict',
    client: PUBLISHED,
    asked: [
      ...outside('arp-dropped'),
      [['web:80'], 'arp-dropped'],
      [[`netns:red -> ${INTERNET}:80`], 'arp-dropped'],
    ],
    mended: true,
  },
  {
    name: 'ARP that a bridge does not forward',
    broken: `nft 'table bridge strict { chain in { type filter hook forward priority 0; ether type arp drop; }; }'; ${FORGET}`,
    undo: 'nft delete table bridge strict',
    asked: [
      [['app -> web:80'], 'arp-dropped'],
      [['netns:red -> netns:blue:80'], 'arp-dropped'],
    ],
    mended: true,
  },
  {
    name: 'answers to ARP that a port of the bridge does not take',
    broken: `nft "table netdev strict { chain in { type filter hook ingress device $WEB_LINK priority 0; ether type arp drop; }; }"; ${FORGET}`,
    undo: 'nft delete table netdev strict',
    client: PUBLISHED,
    asked: [...outside('arp-dropped'), [[`web -> ${INTERNET}:80`], 'arp-dropped']],
    mended: true,
  },
  {
    name: 'ARP that a rule in the container drops',
    broken: `$WEB_NS nft 'table arp strict { chain in { type filter hook input priority 0; drop; }; }'; ${FORGET}`,
    undo: '$WEB_NS nft delete table arp strict',
    client: PUBLISHED,
    asked: outside('arp-dropped'),
    mended: true,
  },
  {
    name: 'ARP that arptables drops at the uplink',
    broken: `arptables -A INPUT -i eth0 -j DROP; ${FORGET}`,
    undo: 'nft delete table arp filter; ip neigh flush all',
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [[[`app -> ${INTERNET}:80`], 'arp-dropped'], ...outside('arp-dropped')],
    mended: true,
  },
  {
    name: 'ARP that a filter of tc takes away',
    broken: `ip link add sink type bridge; tc qdisc add dev $WEB_LINK clsact; tc filter add dev $WEB_LINK ingress protocol arp u32 match u32 0 0 action mirred egress redirect dev sink; ${FORGET}`,
    undo: 'tc qdisc del dev $WEB_LINK clsact; ip link del sink',
    client: PUBLISHED,
    asked: outside('arp-dropped'),
    mended: true,
  },
  {
    name: 'a container that does not answer ARP',
    // If web asked for its gateway, the host would learn web's address. web does so for any packet it still has to send.
    broken: `$WEB_NS sysctl -qw net.ipv4.conf.all.arp_ignore=8; $WEB_NS ip neigh replace 172.17.0.1 lladdr ${BRIDGE_MAC} dev eth0 nud permanent; ip neigh flush all`,
    undo: '$WEB_NS sysctl -qw net.ipv4.conf.all.arp_ignore=0; $WEB_NS ip neigh del 172.17.0.1 dev eth0',
    client: PUBLISHED,
    asked: outside('arp-unanswered'),
    mended: true,
  },
  {
    name: 'ARP switched off at the uplink',
    broken: `ip link set eth0 arp off; ${FORGET}`,
    undo: 'ip link set eth0 arp on',
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [[[`app -> ${INTERNET}:80`], 'arp-off']],
    mended: true,
  },
  {
    name: 'an address of a namespace that the host has too',
    broken: `ip addr add 10.7.0.3/32 dev lo; ${FORGET}`,
    undo: 'ip addr del 10.7.0.3/32 dev lo 2>/dev/null || true',
    client: fetch('http://10.7.0.3/'),
    asked: [
      [['netns:red -> 10.7.0.3:80'], 'own-address'],
      [['10.7.0.3:80'], 'own-address'],
      [['netns:blue:80'], 'own-address'],
    ],
    mended: true,
  },
  {
    name: 'an address of a namespace that the host has and serves',
    broken: `ip addr add 10.7.0.3/24 dev br7; busybox httpd -f -p 10.7.0.3:80 -h $DIR/blue >/dev/null 2>&1 & echo $! >$DIR/own; until busybox wget -q -O /dev/null http://10.7.0.3/; do :; done; ${FORGET}`,
    undo: 'kill $(cat $DIR/own); ip addr del 10.7.0.3/24 dev br7 2>/dev/null || true',
    asked: [
      [['netns:blue:80'], 'own-address'],
      [['10.7.0.3:80'], 'works'],
    ],
  },
  {
    name: "the host's address that a namespace has too",
    broken: `ip -n blue addr add 10.7.0.1/24 dev eth0; ${FORGET}`,
    undo: 'ip -n blue addr del 10.7.0.1/24 dev eth0',
    asked: [
      [['netns:red -> netns:blue:80'], 'works'],
      [['10.7.0.1:80'], 'own-address'],
      [['10.7.0.1:7000'], 'works'],
    ],
  },
  {
    name: "a container's address that the host has too",
    broken: 'ip addr add $WEB/32 dev lo',
    undo: 'ip addr del $WEB/32 dev lo 2>/dev/null || true',
    client: PUBLISHED,
    asked: [...outside('own-address'), [['web:80'], 'own-address']],
    mended: true,
  },
  {
    name: 'a named world without masquerade',
    broken: WORLD,
    undo: NO_WORLD,
    asked: [
      [['netns:red -> netns:world:80'], 'no-masquerade'],
      [['app -> netns:world:80'], 'works'],
    ],
    mended: true,
  },
  {
    name: 'a named world that drops what is masqueraded',
    broken: `${WORLD}; iptables -t nat -A POSTROUTING -s 10.7.0.0/24 -o vworld -j MASQUERADE; ip netns exec world nft 'table ip strict { chain in { type filter hook input priority 0; drop; }; }'`,
    undo: NO_WORLD,
    asked: [[['netns:red -> netns:world:80'], 'no-answer']],
  },
  {
    name: 'a rule that leads to another table first',
    broken: 'ip rule add to $WEB lookup 77 pref 10; ip route add default via 192.0.2.1 table 77',
    undo: 'ip rule del pref 10; ip rule del pref 9 2>/dev/null || true; ip route flush table 77',
    client: PUBLISHED,
    asked: [...outside('no-route'), [['web:80'], 'no-route']],
    mended: true,
  },
  {
    name: 'a mark whose table swallows the packet',
    broken:
      "nft 'table ip strict { chain pre { type filter hook prerouting priority -150; tcp dport 8080 meta mark set 5; }; }'; " +
      'ip rule add fwmark 5 lookup 77 pref 10; ip route add blackhole default table 77',
    undo: 'nft delete table ip strict; ip rule del pref 10 2>/dev/null || true; ip route flush table 77',
    client: PUBLISHED,
    asked: outside('unroutable'),
    mended: true,
  },
  {
    name: 'port of the bridge listening',
    broken: 'bridge link set dev $WEB_LINK state 1',
    undo: 'bridge link set dev $WEB_LINK state 3',
    client: PUBLISHED,
    asked: outside('port-blocked'),
    mended: true,
  },
  {
    name: 'a queue that lets nothing through',
    broken: 'tc qdisc add dev $WEB_LINK root tbf rate 8bit burst 10 limit 10',
    undo: 'tc qdisc del dev $WEB_LINK root 2>/dev/null || true',
    client: PUBLISHED,
    asked: [...outside('queue'), [['web:80'], 'queue']],
    mended: true,
  },
  {
    name: 'a queue that takes ARP too',
    broken: `tc qdisc add dev $WEB_LINK root tbf rate 8bit burst 10 limit 10; ${FORGET}`,
    undo: 'tc qdisc del dev $WEB_LINK root 2>/dev/null || true',
    client: PUBLISHED,
    asked: [[['web:80'], 'queue']],
    mended: true,
  },
  {
    name: 'a container with a narrower network and a gateway in it',
    broken:
      '$WEB_NS ip addr del $WEB/16 dev eth0; $WEB_NS ip addr add $WEB/31 dev eth0; $WEB_NS ip route add default via 172.17.0.3',
    undo: '$WEB_NS ip addr flush dev eth0; $WEB_NS ip addr add $WEB/16 dev eth0; $WEB_NS ip route add default via 172.17.0.1',
    client: PUBLISHED,
    asked: outside('wrong-gateway'),
    mended: true,
  },
  {
    name: 'a route that takes the world for a neighbour',
    broken: '$APP_NS ip route add 198.51.100.0/24 dev eth0; ip -n red route add 198.51.100.0/24 dev eth0',
    undo: '$APP_NS ip route del 198.51.100.0/24 dev eth0 2>/dev/null || true; ip -n red route del 198.51.100.0/24',
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [
      [[`app -> ${INTERNET}:80`], 'on-link'],
      [[`netns:red -> ${INTERNET}:80`], 'on-link'],
    ],
    mended: true,
  },
  {
    name: 'two containers with one address',
    broken:
      '$APP_NS ip addr add $WEB/16 dev eth0; $WEB_NS sysctl -qw net.ipv4.conf.all.arp_ignore=8; ip neigh del $WEB dev minidock0 || true',
    undo: '$APP_NS ip addr del $WEB/16 dev eth0; $WEB_NS sysctl -qw net.ipv4.conf.all.arp_ignore=0; ip neigh del $WEB dev minidock0',
    client: PUBLISHED,
    asked: outside('wrong-neighbour'),
  },
  {
    name: 'a listener on one interface only',
    broken: perl('setsockopt($s, 1, 25, "lo"); bind($s, sockaddr_in(7100, INADDR_ANY)); listen($s, 9)'),
    undo: 'kill $(cat $DIR/perl)',
    asked: [[['outside -> :7100'], 'listen-device']],
  },
  {
    name: 'a program that resets each connection',
    broken: perl(
      'bind($s, sockaddr_in(7100, INADDR_ANY)); listen($s, 9)',
      '',
      // SO_LINGER with no time to linger: close(2) sends RST.
      'while (accept($c, $s)) { setsockopt($c, SOL_SOCKET, SO_LINGER, pack("ll", 1, 0)); close($c) }',
    ),
    undo: 'kill $(cat $DIR/perl)',
    asked: [[['outside -> :7100'], 'closed']],
  },
  {
    name: 'a program for datagrams that is stopped, and another machine that is silent at the same port',
    broken:
      `${perl('socket($s, PF_INET, SOCK_DGRAM, 0); bind($s, sockaddr_in(7100, INADDR_ANY))')}; kill -STOP $(cat $DIR/perl); ` +
      `nsenter --net="$OUTSIDE_NS" nft 'table ip mute { chain in { type filter hook input priority 0; udp dport 7100 drop; }; }'`,
    undo: 'kill -KILL $(cat $DIR/perl); nsenter --net="$OUTSIDE_NS" nft delete table ip mute',
    asked: [
      [['outside -> :7100/udp'], 'stopped'],
      [[`app -> ${INTERNET}:7100/udp`], 'delivered'],
    ],
  },
  {
    name: 'a backlog that is full',
    broken: perl(
      `bind($s, sockaddr_in(7100, INADDR_ANY)); listen($s, 0); ${connections(4, 7100, '"127.0.0.1"')}`,
    ),
    undo: 'kill $(cat $DIR/perl)',
    asked: [[['outside -> :7100'], 'not-accepted']],
  },
  {
    name: 'a full backlog in a container',
    broken: perl(
      `bind($s, sockaddr_in(7100, INADDR_ANY)); listen($s, 0); ${connections(4, 7100, '"127.0.0.1"')}`,
      '$WEB_NS',
    ),
    undo: 'kill $(cat $DIR/perl)',
    asked: [
      [['host -> web:7100'], 'not-accepted'],
      [['app -> web:7100'], 'not-accepted'],
    ],
  },
  {
    name: 'a published port of an internal network',
    broken:
      '$MINIDOCK network create --internal cell; $MINIDOCK run -d --name shut --network cell -p 8091:80 test httpd -f -p 80 -h /www',
    undo: '$MINIDOCK rm -f shut; $MINIDOCK network rm cell',
    asked: [
      [['outside -> :8091'], 'network-internal'],
      [['app -> 192.0.2.2:8091'], 'dropped'],
    ],
  },
  {
    name: 'route_localnet off where a port is published',
    broken: 'echo 0 >/proc/sys/net/ipv4/conf/minidock0/route_localnet',
    undo: 'echo 1 >/proc/sys/net/ipv4/conf/minidock0/route_localnet',
    client: fetch('http://127.0.0.1:8080/'),
    asked: [[['host', '127.0.0.1:8080'], 'localnet-off']],
    mended: true,
  },
  {
    name: 'postrouting flushed, and a named world',
    broken: `${WORLD}; nft list chain ip minidock postrouting >$DIR/postrouting; nft flush chain ip minidock postrouting`,
    undo: `nft flush chain ip minidock postrouting; { echo "table ip minidock {"; sed "1d;\\$d" $DIR/postrouting; echo "}"; } | nft -f -; ${NO_WORLD}`,
    asked: [[['app -> netns:world:80'], 'postrouting-flushed']],
  },
  {
    name: 'loopback down',
    broken: 'ip link set lo down; $WEB_NS ip link set lo down',
    undo: 'ip link set lo up; $WEB_NS ip link set lo up',
    asked: [
      [['127.0.0.1:7000'], 'link-down'],
      [['web -> 127.0.0.1:80'], 'link-down'],
    ],
    mended: true,
  },
  {
    name: 'no port to send from',
    broken:
      '$APP_NS sysctl -qw net.ipv4.ip_local_port_range="40000 40001"; ' +
      perl(connections(3, 80, '$ENV{WEB}'), '$APP_NS'),
    undo: 'kill $(cat $DIR/perl); $APP_NS sysctl -qw net.ipv4.ip_local_port_range="32768 60999"',
    client: `$APP_NS ${fetch('http://$WEB/')}`,
    asked: [[['app -> web:80'], 'no-port']],
    mended: true,
  },
];
