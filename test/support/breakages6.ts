/**
 * Ways to break the IPv6 of a host, each with the cause that `why` has to name, as breakages.ts has them for IPv4. web
 * serves [::]:8080 as 80 on a network of both families, app only sleeps there, far is on another network, four on one
 * without IPv6, six on one without IPv4, routed on one that others have a route to. red is a namespace at a bridge of its own.
 */
import type { Breakage } from './breakages/terms.ts';

export const SCENERY6 = `
ip link add br7 type bridge
ip addr add fd00:7::1/64 dev br7 nodad
ip link set br7 up
ip netns add red
ip link add vred type veth peer name eth0 netns red
ip link set vred master br7 up
ip -n red link set lo up
ip -n red link set eth0 up
ip -n red addr add fd00:7::2/64 dev eth0 nodad
ip -n red -6 route add default via fd00:7::1
mkdir -p "$DIR/red"; echo red >"$DIR/red/index.html"
ip netns exec red busybox httpd -p [::]:80 -h "$DIR/red"
`;

const OUTSIDE: readonly string[] = ['outside -> [2001:db8:1::2]:8080'];
const outside = (code: string): Breakage['asked'] => [[OUTSIDE, code]];
const INTERNET = '[2001:db8:ffff::10]';
const fetch = (url: string): string => `curl -g -s -f -m 1 -o /dev/null ${url}`;
const PUBLISHED = `nsenter --net="$OUTSIDE_NS" ${fetch('http://[2001:db8:1::2]:8080/')}`;
const FROM_APP = `$APP_NS ${fetch('http://[$WEB]/')}`;
const TO_WORLD = `$APP_NS ${fetch(`http://${INTERNET}/`)}`;
const FORGET =
  'ip -6 neigh flush all; for ns in "$WEB_NS" "$APP_NS" "ip netns exec red"; do $ns ip -6 neigh flush all; done';
const ALL = '/proc/sys/net/ipv6/conf';
const table = (family: string, body: string): Pick<Breakage, 'broken' | 'undo'> => ({
  broken: `nft 'table ${family} strict { ${body}; }'`,
  undo: `nft delete table ${family} strict`,
});

export const breakages6: readonly Breakage[] = [
  {
    name: 'a local route that keeps what is for a container',
    broken: 'ip -6 route add local $WEB dev lo',
    undo: 'ip -6 route del local $WEB dev lo 2>/dev/null || true; ip -6 neigh flush dev $BRIDGE; $APP_NS ip -6 neigh flush dev eth0',
    client: PUBLISHED,
    asked: [...outside('own-address'), [['-6', 'web:80'], 'own-address']],
    mended: true,
  },
  {
    name: 'bridge without its IPv6 address',
    broken: 'ip addr del fd00:a::1/64 dev $BRIDGE',
    undo: 'ip addr replace fd00:a::1/64 dev $BRIDGE nodad',
    client: PUBLISHED,
    asked: outside('no-gateway'),
    mended: true,
  },
  {
    name: 'bridge down',
    broken: 'ip link set $BRIDGE down',
    undo: 'ip link set $BRIDGE up; ip addr replace fd00:a::1/64 dev $BRIDGE nodad',
    client: PUBLISHED,
    asked: [...outside('link-down'), [[`app -> ${INTERNET}:80`], 'link-down']],
    mended: true,
  },
  {
    name: 'IPv6 switched off on the bridge',
    broken: `echo 1 >${ALL}/$BRIDGE/disable_ipv6`,
    undo: `echo 0 >${ALL}/$BRIDGE/disable_ipv6; ip addr replace fd00:a::1/64 dev $BRIDGE nodad`,
    client: PUBLISHED,
    asked: outside('ipv6-off'),
    mended: true,
  },
  {
    name: 'IPv6 switched off in the container',
    broken: '$WEB_NS sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=1',
    undo: '$WEB_NS sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0; $WEB_NS ip addr replace $WEB/64 dev eth0 nodad; $WEB_NS ip -6 route replace default via fd00:a::1',
    client: PUBLISHED,
    asked: [...outside('ipv6-off'), [[`web -> ${INTERNET}:80`], 'ipv6-off']],
    mended: true,
  },
  {
    name: 'an address that a neighbour has too (duplicate address detection)',
    broken:
      '$APP_NS ip addr add $WEB/64 dev eth0 nodad; $WEB_NS sysctl -q -w net.ipv6.conf.eth0.accept_dad=1; $WEB_NS ip addr del $WEB/64 dev eth0; $WEB_NS ip addr add $WEB/64 dev eth0; until $WEB_NS ip addr show dev eth0 | grep -q dadfailed; do :; done; $APP_NS ip addr del $WEB/64 dev eth0',
    undo: '$WEB_NS ip addr del $WEB/64 dev eth0; $WEB_NS ip addr add $WEB/64 dev eth0 nodad; $WEB_NS ip -6 route replace default via fd00:a::1',
    client: PUBLISHED,
    asked: outside('duplicate-address'),
    mended: true,
  },
  {
    name: 'container with another address',
    broken: '$WEB_NS ip -6 addr del $WEB/64 dev eth0; $WEB_NS ip addr add fd00:a::77/64 dev eth0 nodad',
    undo: '$WEB_NS ip addr del fd00:a::77/64 dev eth0; $WEB_NS ip addr replace $WEB/64 dev eth0 nodad; $WEB_NS ip -6 route replace default via fd00:a::1',
    client: PUBLISHED,
    asked: outside('wrong-address'),
    mended: true,
  },
  {
    name: "container's end down",
    broken: '$WEB_NS ip link set eth0 down',
    undo: '$WEB_NS ip link set eth0 up; $WEB_NS ip addr replace $WEB/64 dev eth0 nodad; $WEB_NS ip -6 route replace default via fd00:a::1',
    client: PUBLISHED,
    asked: outside('link-down'),
    mended: true,
  },
  {
    name: "wrong hardware address, typed into the host's table",
    broken: 'ip neigh replace $WEB lladdr 02:00:00:00:00:99 dev $BRIDGE nud permanent',
    undo: 'ip neigh del $WEB dev $BRIDGE 2>/dev/null || true',
    client: PUBLISHED,
    asked: [...outside('wrong-neighbour'), [['-6', 'web:80'], 'wrong-neighbour']],
    mended: true,
  },
  {
    name: 'neighbour discovery off (NOARP) in the container',
    broken: `$WEB_NS ip link set eth0 arp off; ${FORGET}`,
    undo: `$WEB_NS ip link set eth0 arp on; ${FORGET}`,
    asked: [[['-6', 'app -> web:80'], 'arp-off']],
    mended: true,
  },
  {
    name: 'a rule on the bridge that drops neighbour solicitations',
    broken: `nft 'table bridge strict { chain gate { type filter hook forward priority 0; icmpv6 type nd-neighbor-solicit drop; }; }'; ${FORGET}`,
    undo: `nft delete table bridge strict; ${FORGET}`,
    client: FROM_APP,
    asked: [[['-6', 'app -> web:80'], 'arp-dropped']],
    mended: true,
  },
  {
    name: 'a rule in the container that drops neighbour advertisements',
    broken: `$WEB_NS nft 'table ip6 strict { chain gate { type filter hook output priority 0; icmpv6 type nd-neighbor-advert drop; }; }'; ${FORGET}`,
    undo: `$WEB_NS nft delete table ip6 strict; ${FORGET}`,
    client: FROM_APP,
    asked: [[['-6', 'app -> web:80'], 'arp-dropped']],
    mended: true,
  },
  {
    name: 'nobody with that address',
    broken: 'true',
    undo: 'true',
    asked: [[['app -> [2001:db8:1::77]:80'], 'no-neighbour']],
  },
  {
    name: 'forwarding of IPv6 off',
    broken: `echo 0 >${ALL}/all/forwarding`,
    undo: `echo 1 >${ALL}/all/forwarding`,
    client: PUBLISHED,
    asked: [...outside('forwarding-off'), [[`app -> ${INTERNET}:80`], 'forwarding-off']],
    mended: true,
  },
  {
    name: 'a router whose advertisements a forwarding host ignores',
    broken: `ip -6 route del default; echo 1 >${ALL}/eth0/accept_ra`,
    undo: 'ip -6 route add default via 2001:db8:1::1',
    client: TO_WORLD,
    asked: [[[`app -> ${INTERNET}:80`], 'routers-ignored']],
  },
  {
    name: 'a host without a default route that listens to routers',
    broken: `ip -6 route del default; for f in ${ALL}/*/accept_ra; do echo 0 >$f; done`,
    undo: 'ip -6 route add default via 2001:db8:1::1',
    client: TO_WORLD,
    asked: [[[`app -> ${INTERNET}:80`], 'no-route'], ...outside('no-way-out')],
  },
  {
    name: 'a route that swallows the container',
    broken: 'ip -6 route add blackhole $WEB',
    undo: 'ip -6 route del blackhole $WEB 2>/dev/null || true',
    client: PUBLISHED,
    asked: [...outside('no-route'), [['-6', 'web:80'], 'no-route']],
    mended: true,
  },
  {
    name: 'container without a way out',
    broken: '$WEB_NS ip -6 route del default',
    undo: '$WEB_NS ip -6 route replace default via fd00:a::1',
    client: PUBLISHED,
    asked: [...outside('no-way-back'), [[`web -> ${INTERNET}:80`], 'no-route']],
    mended: true,
  },
  {
    name: 'container with another gateway',
    broken: '$WEB_NS ip -6 route replace default via fd00:a::99',
    undo: '$WEB_NS ip -6 route replace default via fd00:a::1',
    client: PUBLISHED,
    asked: [...outside('wrong-gateway'), [[`web -> ${INTERNET}:80`], 'wrong-gateway']],
    mended: true,
  },
  {
    name: 'a route in the container that swallows the way back',
    broken: '$WEB_NS ip -6 route add blackhole 2001:2::/48',
    undo: '$WEB_NS ip -6 route del 2001:2::/48 2>/dev/null || true',
    asked: outside('no-way-back'),
    mended: true,
  },
  {
    name: 'a rule in the container that prohibits the way out',
    broken: '$APP_NS ip -6 rule add prohibit pref 50',
    undo: '$APP_NS ip -6 rule del pref 50 2>/dev/null || true',
    client: TO_WORLD,
    asked: [[[`app -> ${INTERNET}:80`], 'no-route']],
    mended: true,
  },
  {
    name: 'a route that swallows one client',
    broken: 'ip -6 route add blackhole 2001:db8:50::1',
    undo: 'ip -6 route del blackhole 2001:db8:50::1 2>/dev/null || true',
    asked: [
      [['--from', '2001:db8:50::1', ':8080'], 'client-route'],
      [['--from', '2001:db8:50::2', ':8080'], 'works'],
    ],
    mended: true,
  },
  {
    name: 'subnet not among those that are masqueraded',
    broken: 'nft delete element ip6 minidock subnets { fd00:a::/64 }',
    undo: 'nft add element ip6 minidock subnets { fd00:a::/64 }',
    client: TO_WORLD,
    asked: [[[`app -> ${INTERNET}:80`], 'no-masquerade']],
  },
  {
    name: 'redirection missing',
    broken: "nft delete element ip6 minidock published '{ tcp . 8080 }'",
    undo: 'nft add element ip6 minidock published "{ tcp . 8080 : $WEB . 80 }"',
    asked: outside('works'),
  },
  {
    name: 'redirection to somebody else',
    broken:
      "nft delete element ip6 minidock published '{ tcp . 8080 }'; nft add element ip6 minidock published '{ tcp . 8080 : fd00:a::99 . 80 }'",
    undo: `nft delete element ip6 minidock published '{ tcp . 8080 }'; nft add element ip6 minidock published "{ tcp . 8080 : $WEB . 80 }"`,
    client: PUBLISHED,
    asked: outside('rule-wrong'),
  },
  {
    name: "minidock's rules flushed",
    broken: 'nft list chain ip6 minidock publish >$DIR/publish; nft flush chain ip6 minidock publish',
    undo: '{ echo "table ip6 minidock {"; sed "1d;\\$d" $DIR/publish; echo "}"; } | nft -f -',
    // The relay serves the port instead, and the client is answered.
    asked: outside('works'),
  },
  {
    name: 'policy of FORWARD in ip6tables',
    broken: 'ip6tables -P FORWARD DROP',
    undo: 'ip6tables -F FORWARD; ip6tables -P FORWARD ACCEPT',
    client: PUBLISHED,
    asked: outside('dropped'),
    mended: true,
  },
  {
    name: 'a rule of inet that drops the packet',
    ...table('inet', 'chain gate { type filter hook forward priority 10; tcp dport 80 drop; }'),
    client: PUBLISHED,
    asked: outside('dropped'),
    mended: true,
  },
  {
    name: 'a rule of ip6 that drops the answer',
    ...table('ip6', 'chain gate { type filter hook forward priority 10; tcp sport 80 drop; }'),
    client: PUBLISHED,
    asked: outside('dropped'),
  },
  {
    // connect(2) asks for the route before it has a source address, so that clients get through.
    name: 'a rule in the container that prohibits its own source address',
    broken: '$APP_NS ip -6 rule add from $APP prohibit pref 50',
    undo: '$APP_NS ip -6 rule del pref 50',
    asked: [[['-6', 'app -> web:80'], 'works']],
  },
  {
    name: 'a rule of ip, which sees no IPv6',
    ...table('ip', 'chain gate { type filter hook forward priority 10; drop; }'),
    asked: outside('works'),
  },
  {
    name: 'taken away by a rule before the redirection',
    ...table(
      'ip6',
      'chain pre { type nat hook prerouting priority -110; tcp dport 8080 dnat to [fd00:a::99]:80; }',
    ),
    client: PUBLISHED,
    asked: outside('astray'),
  },
  {
    name: 'a narrow uplink, and "packet too big" dropped',
    broken: `ip link set eth0 mtu 1280; nft 'table ip6 strict { chain gate { type filter hook output priority 0; icmpv6 type packet-too-big drop; }; }'`,
    undo: 'ip link set eth0 mtu 1500; nft delete table ip6 strict',
    asked: [[['-6', 'outside -> :8090'], 'mtu']],
  },
  {
    name: 'a program that listens on IPv4 alone, and one on ::1 alone',
    broken: 'true',
    undo: 'true',
    asked: [
      [['-6', 'outside -> :8091'], 'listen-ipv4'],
      [['-6', 'app -> web:81'], 'listen-ipv4'],
      [['-6', 'app -> web:82'], 'listen-loopback'],
      [['-6', 'app -> web:83'], 'listen-none'],
      [['web -> [::1]:82'], 'works'],
    ],
  },
  {
    name: 'a relayed port whose program listens on IPv4 alone, or nowhere',
    broken: 'true',
    undo: 'true',
    asked: [
      [['[::1]:8080'], 'works'],
      [['[::1]:8091'], 'listen-ipv4'],
      [['[::1]:8092'], 'listen-none'],
    ],
  },
  {
    name: 'a relayed port of a container with an interface that is down',
    broken: '$WEB_NS ip link set eth0 down',
    undo: '$WEB_NS ip link set eth0 up; $WEB_NS ip addr replace $WEB/64 dev eth0 nodad; $WEB_NS ip -6 route replace default via fd00:a::1',
    asked: [[['[::1]:8080'], 'link-down']],
    mended: true,
  },
  {
    name: 'what is by design',
    broken: 'true',
    undo: 'true',
    asked: [
      [['-6', 'app -> far:80'], 'dropped'],
      [['-6', 'app -> four:80'], 'no-family'],
      [['-6', 'four -> web:80'], 'no-family'],
      [['app -> six:80'], 'works'],
      [['[::1]:8095'], 'works'],
      [['127.0.0.1:8095'], 'works'],
      [['outside -> [2001:db8:1::2]:8096'], 'routed'],
      [['outside -> [2001:db8:b::2]:80'], 'works'],
      [['outside -> [2001:db8:b::2]:7'], 'dropped'],
      [['-6', 'outside -> :8097'], 'other-address'],
      [[`routed -> ${INTERNET}:80`], 'works'],
    ],
  },
  {
    name: 'namespaces',
    broken: 'true',
    undo: 'true',
    asked: [
      [['netns:red:80'], 'works'],
      [['app -> netns:red:80'], 'works'],
      [['netns:red -> [2001:db8:1::2]:8080'], 'works'],
      [['netns:red -> [fd00:7::1]:81'], 'listen-none'],
    ],
  },
  {
    name: 'a namespace without a default route',
    broken: 'ip -n red -6 route del default',
    undo: 'ip -n red -6 route replace default via fd00:7::1',
    asked: [
      // It sees the host, which masquerades.
      [['app -> netns:red:80'], 'works'],
      [['netns:red -> [2001:db8:1::2]:8080'], 'no-route'],
    ],
    mended: true,
  },
  {
    name: 'a rule that drops large packets',
    ...table('ip6', 'chain gate { type filter hook forward priority 10; ip6 length > 1000 drop; }'),
    asked: [...outside('dropped'), [[`app -> ${INTERNET}:80`], 'dropped']],
    mended: true,
  },
  {
    name: 'a rule in a container that drops large packets',
    broken: `$WEB_NS nft 'table ip6 strict { chain gate { type filter hook input priority 0; ip6 length > 1000 drop; }; }'`,
    undo: '$WEB_NS nft delete table ip6 strict',
    asked: [...outside('dropped'), [['-6', 'app -> web:80'], 'dropped']],
    mended: true,
  },
  {
    name: 'a rule in a container that drops large answers',
    broken: `$WEB_NS nft 'table ip6 strict { chain gate { type filter hook output priority 0; ip6 length > 1000 drop; }; }'`,
    undo: '$WEB_NS nft delete table ip6 strict',
    asked: outside('dropped'),
    mended: true,
  },
  {
    name: 'a narrow uplink, and a rule that drops packet-too-big',
    broken: `ip link set eth0 mtu 1300; nft 'table ip6 strict { chain gate { type filter hook output priority 0; icmpv6 type packet-too-big drop; }; }'`,
    undo: 'ip link set eth0 mtu 1500; nft delete table ip6 strict',
    asked: outside('mtu'),
  },
  {
    name: 'a narrow uplink that says so',
    broken: 'ip link set eth0 mtu 1300',
    undo: 'ip link set eth0 mtu 1500',
    asked: outside('works'),
  },
];
