/** What stops large packets alone: a handshake and a small page pass. */
import { fetch, forward, INTERNET, outside, type Breakage } from './terms.ts';

export const sizes: readonly Breakage[] = [
  {
    name: 'a rule that drops large packets',
    ...forward('meta length > 1000 drop'),
    asked: [
      ...outside('dropped'),
      [['outside -> :8090'], 'dropped'],
      [[`app -> ${INTERNET}:80`], 'dropped'],
      [['web:80'], 'works'],
    ],
    mended: true,
  },
  {
    name: 'a rule that drops large answers',
    ...forward('tcp sport 80 ip length > 1000 drop'),
    asked: outside('dropped'),
    mended: true,
  },
  {
    name: 'a rule of a bridge that drops large frames',
    broken: `nft 'table bridge strict { chain gate { type filter hook forward priority 0; tcp sport 80 meta length > 1000 drop; }; }'`,
    undo: 'nft delete table bridge strict',
    asked: [[['app -> web:80'], 'dropped']],
    mended: true,
  },
  {
    name: 'a rule in a container that drops large packets',
    broken: `$WEB_NS nft 'table ip strict { chain gate { type filter hook input priority 0; ip length > 1000 drop; }; }'`,
    undo: '$WEB_NS nft delete table ip strict',
    asked: [...outside('dropped'), [['app -> web:80'], 'dropped']],
    mended: true,
  },
  {
    name: 'a rule in a container that drops its large answers',
    broken: `$WEB_NS nft 'table ip strict { chain gate { type filter hook output priority 0; ip length > 1000 drop; }; }'`,
    undo: '$WEB_NS nft delete table ip strict',
    asked: [...outside('dropped'), [['web:80'], 'dropped']],
    mended: true,
  },
  {
    name: 'a rule in a client that drops large answers',
    broken: `$APP_NS nft 'table ip strict { chain gate { type filter hook input priority 0; ip length > 1000 drop; }; }'`,
    undo: '$APP_NS nft delete table ip strict',
    asked: [[['app -> web:80'], 'dropped'], ...outside('works')],
    mended: true,
  },
  {
    name: 'a narrow uplink, and a rule that drops what says so',
    broken: `ip link set eth0 mtu 1000; nft 'table ip strict { chain gate { type filter hook output priority 0; icmp type destination-unreachable drop; }; }'`,
    undo: 'ip link set eth0 mtu 1500; nft delete table ip strict',
    asked: outside('mtu'),
  },
  {
    name: 'packets of no connection dropped, and a narrow uplink that says so',
    broken: `ip link set eth0 mtu 1200; nft 'table inet strict { chain gate { type filter hook forward priority 10; ct state invalid drop; }; }'`,
    undo: 'ip link set eth0 mtu 1500; nft delete table inet strict',
    asked: [...outside('works'), [['outside -> :8090'], 'works'], [[`app -> ${INTERNET}:80`], 'works']],
  },
  {
    name: 'a queue at the uplink that lets out small packets only',
    broken: 'tc qdisc add dev eth0 root tbf rate 8mbit burst 600 latency 50ms',
    undo: 'tc qdisc del dev eth0 root 2>/dev/null || true',
    client: `nsenter --net="$OUTSIDE_NS" ${fetch('http://192.0.2.2:8090/')}`,
    asked: [[['outside -> :8090'], 'queue']],
    mended: true,
  },
  {
    name: 'a queue at the uplink that only slows',
    broken: 'tc qdisc add dev eth0 root tbf rate 80mbit burst 32kb latency 400ms',
    undo: 'tc qdisc del dev eth0 root',
    asked: [[['outside -> :8090'], 'works']],
  },
];
