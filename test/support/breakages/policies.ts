/** What refuses packets beside the packet filter: rules of ip rule, IPsec, connection tracking, control groups. */
import { fetch, forward, INTERNET, macOf, outside, PUBLISHED, type Breakage } from './terms.ts';

const APP_TO_WEB = `$APP_NS ${fetch('http://$WEB/')}`;
const APP_TO_WORLD = `$APP_NS ${fetch(`http://${INTERNET}/`)}`;
const HOST_TO_WEB = fetch('http://$WEB/');
const rule = (words: string): Pick<Breakage, 'broken' | 'undo'> => ({
  broken: `ip rule add ${words} pref 100`,
  undo: 'ip rule del pref 100 2>/dev/null || true; ip rule del pref 99 2>/dev/null || true',
});
const prerouting = (words: string): Pick<Breakage, 'broken' | 'undo'> => ({
  broken: `nft 'table ip strict { chain pre { type filter hook prerouting priority -300; ${words}; }; }'`,
  undo: 'nft delete table ip strict',
});

export const policies: readonly Breakage[] = [
  {
    name: 'a rule that swallows what comes from a container',
    ...rule('from $WEB blackhole'),
    client: PUBLISHED,
    asked: [...outside('unroutable'), [[`web -> ${INTERNET}:80`], 'unroutable']],
    mended: true,
  },
  {
    name: 'a rule that makes a container unreachable',
    ...rule('to $WEB unreachable'),
    client: PUBLISHED,
    asked: [...outside('no-route'), [['web:80'], 'no-route']],
    mended: true,
  },
  {
    name: 'a rule about a port that prohibits the packet',
    ...rule('ipproto tcp dport 80 prohibit'),
    client: HOST_TO_WEB,
    asked: [
      [['web:80'], 'no-route'],
      [['outside -> :8080'], 'unroutable'],
    ],
    mended: true,
  },
  {
    name: 'the same, asked about from outside',
    ...rule('ipproto tcp dport 80 prohibit'),
    client: PUBLISHED,
    asked: outside('unroutable'),
    mended: true,
  },
  {
    name: 'a rule with half a mask for a mark',
    ...rule('fwmark 0/0xff00 to $WEB prohibit'),
    client: PUBLISHED,
    asked: outside('no-route'),
    mended: true,
  },
  {
    name: 'connections of one interface in a zone of their own',
    ...prerouting('iifname eth0 ct zone set 5'),
    client: PUBLISHED,
    asked: outside('untracked'),
    mended: true,
  },
  {
    name: 'answers that are not tracked',
    ...prerouting('tcp sport 80 notrack'),
    client: PUBLISHED,
    asked: outside('untracked'),
    mended: true,
  },
  {
    name: 'packets that are not tracked',
    ...prerouting('tcp dport 8080 notrack'),
    client: PUBLISHED,
    asked: outside('astray'),
  },
  {
    name: 'a policy of IPsec that blocks the way out',
    broken: '$APP_NS ip xfrm policy add dir out dst 198.51.100.0/24 action block',
    undo: '$APP_NS ip xfrm policy flush',
    client: APP_TO_WORLD,
    asked: [
      [[`app -> ${INTERNET}:80`], 'xfrm'],
      [['app -> web:80'], 'works'],
    ],
    mended: true,
  },
  {
    name: 'a policy of IPsec that blocks what comes in',
    broken: '$WEB_NS ip xfrm policy add dir in src 0.0.0.0/0 dst $WEB/32 action block',
    undo: '$WEB_NS ip xfrm policy flush',
    client: PUBLISHED,
    asked: outside('xfrm'),
    mended: true,
  },
  {
    name: 'two machines with one hardware address',
    broken: `echo ${macOf('APP')} >$DIR/mac; $APP_NS ip link set eth0 address ${macOf('WEB')}; $APP_NS ip neigh flush all; $WEB_NS ip neigh flush all`,
    undo: `$APP_NS ip link set eth0 address $(cat $DIR/mac); ip neigh flush all; $APP_NS ip neigh flush all; $WEB_NS ip neigh flush all; until $APP_NS ${fetch('http://$WEB/')}; do :; done; until ${PUBLISHED}; do :; done`,
    client: APP_TO_WEB,
    asked: [[['app -> web:80'], 'same-address']],
    mended: true,
  },
  {
    name: 'a rule of a bridge about a machine',
    broken: `nft "table bridge strict { chain gate { type filter hook forward priority 0; ether saddr ${macOf('APP')} drop; }; }"; $APP_NS ip neigh flush all`,
    undo: 'nft delete table bridge strict',
    client: APP_TO_WEB,
    asked: [[['app -> web:80'], 'arp-dropped']],
    mended: true,
  },
  {
    name: 'a jump by a map of ports to a chain that drops',
    broken: `nft 'table inet strict { chain bad { counter drop; }; chain gate { type filter hook forward priority 5; tcp dport vmap { 80 : jump bad }; }; }'`,
    undo: 'nft delete table inet strict',
    client: PUBLISHED,
    asked: outside('dropped'),
    mended: true,
  },
  {
    name: 'a rule about how often somebody may connect',
    ...forward('tcp flags syn limit rate over 1/hour burst 1 packets drop'),
    client: `${PUBLISHED} && ${PUBLISHED}`,
    asked: outside('dropped'),
    mended: true,
  },
  {
    name: 'a sender address of a machine that is not there',
    broken: 'iptables -t nat -I POSTROUTING -s 172.17.0.0/16 -o eth0 -j SNAT --to-source 192.0.2.77',
    undo: 'iptables -t nat -F POSTROUTING',
    client: APP_TO_WORLD,
    asked: [[[`app -> ${INTERNET}:80`], 'snat-astray']],
  },
  {
    name: "a client's own rule that refuses what it sends",
    broken: '$APP_NS iptables -A OUTPUT -p tcp --dport 80 -j REJECT',
    undo: '$APP_NS iptables -F OUTPUT',
    client: APP_TO_WORLD,
    asked: [
      [[`app -> ${INTERNET}:80`], 'own-filter'],
      [['app -> web:80'], 'own-filter'],
    ],
  },
  {
    name: 'a rule of the host about what it sends',
    broken: 'iptables -A OUTPUT -d 172.17.0.0/16 -j DROP',
    undo: 'iptables -F OUTPUT',
    client: HOST_TO_WEB,
    asked: [[['web:80'], 'dropped']],
    mended: true,
  },
  {
    name: 'a set of addresses that are refused',
    broken: `nft 'table inet strict { set bad { type ipv4_addr; flags interval; elements = { 203.0.113.48/28 }; }; chain gate { type filter hook prerouting priority -150; ip saddr @bad drop; }; }'`,
    undo: 'nft delete table inet strict',
    asked: [
      [['--from', '203.0.113.50', ':8080'], 'dropped'],
      [['--from', '203.0.113.70', ':8080'], 'works'],
    ],
    mended: true,
  },
  {
    name: 'a bridge with a narrower network than its containers',
    broken: 'ip addr del 172.17.0.1/16 dev minidock0; ip addr add 172.17.0.1/31 dev minidock0',
    undo: 'ip addr flush dev minidock0; ip addr add 172.17.0.1/16 dev minidock0',
    client: PUBLISHED,
    asked: [...outside('no-route'), [['web:80'], 'no-route']],
    mended: true,
  },
  {
    name: 'a default route to a router that is not there',
    broken: 'ip route replace default via 192.0.2.99',
    undo: 'ip route replace default via 192.0.2.1',
    client: APP_TO_WORLD,
    asked: [[[`app -> ${INTERNET}:80`], 'no-neighbour']],
  },
  {
    name: 'a control group frozen by hand',
    broken: `if [ -d /sys/fs/cgroup/freezer ]; then find /sys/fs/cgroup/freezer -name cgroup.procs -exec grep -lx $WEB_PID {} + | sed 's|cgroup.procs|freezer.state|' >$DIR/frozen; echo FROZEN >$(cat $DIR/frozen); echo THAWED >$DIR/thawed; else find /sys/fs/cgroup -name cgroup.procs -exec grep -lx $WEB_PID {} + | sed 's|cgroup.procs|cgroup.freeze|' >$DIR/frozen; echo 1 >$(cat $DIR/frozen); echo 0 >$DIR/thawed; fi`,
    undo: 'cat $DIR/thawed >$(cat $DIR/frozen)',
    client: PUBLISHED,
    asked: [...outside('frozen'), [['app -> web:80'], 'frozen']],
    mended: true,
  },
  {
    name: 'a server that may start no process',
    broken:
      '$MINIDOCK run -d --name few --pids-limit 1 -p 8096:80 test httpd -f -p 80 -h /www; until [ "$($MINIDOCK exec few ss -ltn 2>/dev/null | wc -l)" != "" ]; do :; done',
    undo: '$MINIDOCK rm -f few',
    asked: [[['outside -> :8096'], 'pids-limit']],
    mended: true,
  },
  {
    name: 'a container that took too much memory',
    broken:
      '$MINIDOCK run --name few -m 16m -p 8096:80 test sh -c \'x=a; while :; do x="$x$x"; done\' || true; [ "$($MINIDOCK inspect -f "{{.State.OOMKilled}}" few)" = true ]',
    undo: '$MINIDOCK rm -f few',
    asked: [[['few:80'], 'out-of-memory']],
  },
  {
    name: "a rule that sends a container's answers to a router that is not there",
    broken: 'ip rule add from $WEB lookup 78 pref 100; ip route add default via 192.0.2.99 table 78',
    undo: 'ip rule del pref 100; ip route flush table 78',
    client: PUBLISHED,
    asked: outside('no-neighbour'),
  },
  {
    name: "a narrower route than the network's, as of a VPN",
    broken:
      'ip link add tun0 type veth peer name tun1; ip link set tun0 up; ip link set tun1 up; ip addr add 10.9.0.2/24 dev tun0; ip route add 172.17.0.0/24 via 10.9.0.1 dev tun0',
    undo: 'ip link del tun0',
    client: PUBLISHED,
    asked: [...outside('no-route'), [['web:80'], 'no-route']],
    mended: true,
  },
];
