/** Mistakes of an administrator with the packet filter and with the settings of a host. */
import { fetch, forward, macOf, outside, OUTSIDE, PUBLISHED, INTERNET, type Breakage } from './terms.ts';

/** An allow-list: the others are refused. */
const ALLOWED =
  'chain gate { type filter hook forward priority 10; policy drop; ct state established,related accept; ip saddr 198.18.99.0/24 tcp dport 80 accept; reject; }';
const strict = (family: string, body: string): Pick<Breakage, 'broken' | 'undo'> => ({
  broken: `nft 'table ${family} strict { ${body}; }'`,
  undo: `nft delete table ${family} strict`,
});
const SET_TTL = 'chain gate { type filter hook prerouting priority -150; ip ttl set 1; }';

export const mistakes: readonly Breakage[] = [
  {
    name: 'a rule that takes all hops of a packet',
    ...strict('ip', SET_TTL),
    client: PUBLISHED,
    asked: [...outside('ttl'), [[`app -> ${INTERNET}:80`], 'ttl']],
    mended: true,
  },
  {
    name: 'a rule of iptables that takes all hops of a packet',
    broken: 'iptables -t mangle -A PREROUTING -i eth0 -j TTL --ttl-set 1',
    undo: 'iptables -t mangle -F PREROUTING',
    client: PUBLISHED,
    asked: outside('ttl'),
    mended: true,
  },
  {
    name: 'a client whose packets have one hop',
    broken: '$APP_NS sysctl -qw net.ipv4.ip_default_ttl=1',
    undo: '$APP_NS sysctl -qw net.ipv4.ip_default_ttl=64',
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [
      [[`app -> ${INTERNET}:80`], 'ttl'],
      [['app -> web:80'], 'works'],
    ],
    mended: true,
  },
  {
    name: 'a server whose answers have one hop',
    broken: '$WEB_NS sysctl -qw net.ipv4.ip_default_ttl=1',
    undo: '$WEB_NS sysctl -qw net.ipv4.ip_default_ttl=64',
    client: PUBLISHED,
    asked: outside('ttl'),
    mended: true,
  },
  {
    name: 'a rule in a container that takes all hops',
    broken: `$APP_NS nft 'table ip strict { chain gate { type filter hook output priority 0; ip ttl set 1; }; }'`,
    undo: '$APP_NS nft delete table ip strict',
    asked: [[[`app -> ${INTERNET}:80`], 'ttl']],
  },
  {
    name: 'a rule of a bridge that drops frames',
    ...strict('bridge', 'chain gate { type filter hook forward priority 0; tcp dport 80 drop; }'),
    client: `$APP_NS ${fetch('http://$WEB/')}`,
    asked: [[['app -> web:80'], 'dropped']],
    mended: true,
  },
  {
    name: 'the policy of a chain of a bridge',
    ...strict(
      'bridge',
      'chain gate { type filter hook forward priority 0; policy drop; ether type arp accept; }',
    ),
    client: `$APP_NS ${fetch('http://$WEB/')}`,
    asked: [[['app -> web:80'], 'dropped']],
    mended: true,
  },
  {
    name: 'a rule about what a client asks for',
    broken: 'iptables -I FORWARD -p tcp -m string --algo bm --string GET -j DROP',
    undo: 'iptables -F FORWARD',
    client: PUBLISHED,
    asked: [...outside('request-lost'), [['app -> web:80'], 'request-lost']],
    mended: true,
  },
  {
    name: 'a rule that refuses what belongs to a connection',
    ...strict(
      'ip',
      'chain gate { type filter hook forward priority 10; ct state established tcp flags & (syn | fin | rst) == 0 tcp flags & psh == psh reject; }',
    ),
    client: PUBLISHED,
    asked: outside('request-lost'),
    mended: true,
  },
  {
    name: 'a redirection by iptables to a proxy that is not there',
    broken: 'iptables -t nat -I PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 3128',
    undo: 'iptables -t nat -F PREROUTING',
    client: PUBLISHED,
    asked: outside('astray'),
    mended: true,
  },
  {
    name: "a rule among minidock's own that leaves a port out",
    broken: 'nft insert rule ip minidock publish tcp dport 8080 return',
    undo: 'nft -a list chain ip minidock publish | sed -n "s/.*8080 return # handle //p" | xargs -r -n 1 nft delete rule ip minidock publish handle',
    client: PUBLISHED,
    asked: outside('astray'),
    mended: true,
  },
  {
    name: 'a redirection by nftables to another machine',
    ...strict(
      'ip',
      'chain pre { type nat hook prerouting priority -110; tcp dport 8080 dnat to 172.17.0.99:80; }',
    ),
    client: PUBLISHED,
    asked: outside('astray'),
    mended: true,
  },
  {
    name: 'a rule that writes another port into the packet',
    ...strict('ip', 'chain gate { type filter hook forward priority 10; tcp dport 80 tcp dport set 81; }'),
    client: PUBLISHED,
    asked: outside('mangled'),
    mended: true,
  },
  {
    name: 'an allow-list without the client',
    ...strict('inet', ALLOWED),
    client: PUBLISHED,
    asked: [
      [['--from', '203.0.113.50', ':8080'], 'dropped'],
      [['--from', '198.18.99.7', ':8080'], 'works'],
      [[OUTSIDE], 'dropped'],
    ],
    mended: true,
  },
  {
    name: 'a list of addresses that no client should have',
    ...strict(
      'inet',
      'chain gate { type filter hook forward priority -5; iifname eth0 ip saddr { 10.0.0.0/8, 198.18.0.0/15 } drop; }',
    ),
    asked: [
      [[OUTSIDE], 'stand-in-dropped'],
      [['--from', '203.0.113.50', ':8080'], 'works'],
    ],
  },
  {
    name: 'a policy, asked about from a container',
    ...forward('policy drop'),
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [[[`app -> ${INTERNET}:80`], 'dropped']],
    mended: true,
  },
  {
    name: 'a policy of iptables',
    broken: 'iptables -P FORWARD DROP',
    undo: 'iptables -P FORWARD ACCEPT; iptables -F FORWARD',
    client: PUBLISHED,
    asked: [...outside('dropped'), [[`app -> ${INTERNET}:80`], 'dropped']],
    mended: true,
  },
  {
    name: 'a rule of iptables before the redirection',
    broken: 'iptables -t mangle -A PREROUTING -p tcp --dport 8080 -j DROP',
    undo: 'iptables -t mangle -F PREROUTING',
    client: PUBLISHED,
    asked: outside('dropped'),
    mended: true,
  },
  {
    name: "a rule for the host's own program, and its exception",
    ...strict('inet', 'chain gate { type filter hook input priority 10; tcp dport 7000 drop; }'),
    asked: [[['outside -> :7000'], 'dropped']],
    mended: true,
  },
  {
    name: "an entry that somebody typed leads a bridge to another machine's port",
    broken: `bridge fdb replace ${macOf('WEB')} dev $APP_LINK master static sticky`,
    undo: `bridge fdb replace ${macOf('WEB')} dev $WEB_LINK master dynamic`,
    client: PUBLISHED,
    asked: [...outside('wrong-port'), [['app -> web:80'], 'wrong-port'], [['web:80'], 'wrong-port']],
    mended: true,
  },
  {
    name: 'an entry that makes the bridge take the frames of a machine for its own',
    broken: `bridge fdb replace ${macOf('WEB')} dev $WEB_LINK master permanent`,
    undo: `bridge fdb replace ${macOf('WEB')} dev $WEB_LINK master dynamic`,
    client: `$APP_NS ${fetch('http://$WEB/')}`,
    asked: [[['app -> web:80'], 'wrong-port'], ...outside('works')],
    mended: true,
  },
  {
    name: 'an entry that leads to the right port',
    broken: `bridge fdb replace ${macOf('WEB')} dev $WEB_LINK master static`,
    undo: `bridge fdb replace ${macOf('WEB')} dev $WEB_LINK master dynamic`,
    asked: outside('works'),
  },
  {
    name: 'a host without a default route, asked by a client anywhere',
    broken: 'ip route del default',
    undo: 'ip route replace default via 192.0.2.1',
    asked: [...outside('no-way-out'), [['--from', '192.0.2.1', ':8080'], 'works']],
  },
  ...['prerouting', 'publish'].map((chain) => ({
    name: `the chain ${chain} of minidock flushed`,
    broken: `nft flush chain ip minidock ${chain}`,
    undo: '$MINIDOCK doctor --fix >/dev/null || true',
    client: PUBLISHED,
    asked: outside('rule-missing'),
    mended: true as const,
  })),
];
