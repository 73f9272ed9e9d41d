/** Namespaces without a container, addresses and hardware addresses that are not where they should be. */
import { fetch, INTERNET, macOf, outside, PUBLISHED, rpFilter, type Breakage } from './terms.ts';

const RED_HOME = 'ip -n red addr flush dev eth0; ip -n red addr add 10.7.0.2/24 dev eth0';
const RED_TO_BLUE: Breakage['asked'][number][0] = ['netns:red -> 10.7.0.3:80'];
const redElsewhere = (more: string): Pick<Breakage, 'broken' | 'undo' | 'client' | 'mended'> => ({
  broken: `ip -n red addr flush dev eth0; ip -n red addr add 10.9.9.2/24 dev eth0; ${more}`,
  undo: `ip -n red route flush dev eth0; ${RED_HOME}; ip -n red route replace default via 10.7.0.1`,
  client: `ip netns exec red ${fetch('http://10.7.0.3/')}`,
  mended: true,
});

export const misplaced: readonly Breakage[] = [
  {
    name: "a namespace with an address of another network than its bridge's, and a default route without a gateway",
    ...redElsewhere('ip -n red route add default dev eth0'),
    asked: [[RED_TO_BLUE, 'on-link']],
  },
  {
    name: 'the same without a default route',
    ...redElsewhere('true'),
    asked: [[RED_TO_BLUE, 'no-route']],
  },
  {
    name: 'a namespace that asks itself, without lo',
    broken: 'ip -n blue link set lo down',
    undo: 'ip -n blue link set lo up',
    client: `ip netns exec blue ${fetch('http://10.7.0.3/')}`,
    asked: [
      [['netns:blue -> netns:blue:80'], 'link-down'],
      [['netns:blue -> 10.7.0.3:80'], 'link-down'],
    ],
    mended: true,
  },
  {
    name: 'a route by lo to a client, where the reverse path filter is strict',
    broken: `${rpFilter(1)}; ip route add 192.0.2.1/32 dev lo`,
    undo: `${rpFilter(0)}; ip route del 192.0.2.1/32 dev lo 2>/dev/null || true`,
    client: PUBLISHED,
    asked: [
      [['--from', '192.0.2.1', 'outside -> :8080'], 'rp-filter'],
      [['192.0.2.1:80'], 'no-route'],
      [['app -> 192.0.2.1:80'], 'no-route'],
    ],
    mended: true,
  },
  {
    name: 'a route by lo in a container',
    broken: `$APP_NS ip route add ${INTERNET} dev lo`,
    undo: `$APP_NS ip route del ${INTERNET} dev lo 2>/dev/null || true`,
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [[[`app -> ${INTERNET}:80`], 'no-route']],
    mended: true,
  },
  {
    name: 'a local route that keeps what is for a container, and a program of the host at that port',
    broken:
      'ip route add local $WEB dev lo; ip neigh flush dev minidock0; $APP_NS ip neigh flush dev eth0; mkdir -p $DIR/none; ' +
      'busybox httpd -f -p 80 -h $DIR/none >/dev/null 2>&1 & echo $! >$DIR/httpd; ' +
      'until (: </dev/tcp/127.0.0.1/80) 2>/dev/null; do kill -0 $(cat $DIR/httpd); done',
    undo:
      'ip route del local $WEB dev lo 2>/dev/null || true; kill $(cat $DIR/httpd); ' +
      'ip neigh flush dev minidock0; $APP_NS ip neigh flush dev eth0',
    client: PUBLISHED,
    asked: [
      [['host', 'web:80'], 'own-address'],
      ...outside('own-address'),
      [['app -> web:80'], 'own-address'],
    ],
    mended: true,
  },
  {
    name: "a container with another one's hardware address",
    broken:
      `mac=${macOf('WEB')}; ip neigh replace $WEB lladdr $mac dev minidock0 nud permanent; ` +
      '$MINIDOCK run -d --name twin --mac-address $mac test sh -c "while :; do ping -c 1 -W 1 172.17.0.1; usleep 20000; done"; ' +
      '$MINIDOCK exec twin ping -c 1 172.17.0.1',
    undo: '$MINIDOCK rm -f twin; ip neigh del $WEB dev minidock0; $WEB_NS ping -c 1 172.17.0.1',
    client: PUBLISHED,
    asked: [...outside('same-address'), [['host', 'web:80'], 'same-address']],
  },
  {
    name: 'a rule that accepts what a container sends before iptables masquerades it',
    broken:
      'export MINIDOCK_FIREWALL=iptables; $MINIDOCK network create lan; ' +
      '$MINIDOCK run -d --name lone --network lan test sleep 1000; ' +
      'iptables -t nat -I POSTROUTING -p tcp -j ACCEPT',
    undo:
      '$MINIDOCK rm -f lone; $MINIDOCK network rm lan; ' +
      'for t in nat raw filter; do iptables -t $t -F; iptables -t $t -X; done',
    asked: [[[`lone -> ${INTERNET}:80`], 'no-masquerade']],
    mended: true,
  },
  {
    name: 'a port published at an address that the host has lost',
    broken:
      'ip addr add 192.0.2.50/24 dev eth0; ' +
      '$MINIDOCK run -d --name part -p 192.0.2.50:8097:80 test httpd -f -p 80 -h /www; ip addr del 192.0.2.50/24 dev eth0',
    undo: '$MINIDOCK rm -f part',
    asked: [
      [['outside -> 192.0.2.50:8097'], 'address-gone'],
      [['192.0.2.50:8097'], 'address-gone'],
    ],
  },
  {
    name: "a namespace's own address, asked from outside",
    broken:
      "ip -n red addr add 172.17.0.99/16 dev eth0; nft 'table ip strict { chain gate { type filter hook forward priority 10; ip daddr 10.7.0.3 drop; }; }'",
    undo: 'ip -n red addr del 172.17.0.99/16 dev eth0; nft delete table ip strict',
    asked: [[['outside -> 10.7.0.3:80'], 'dropped']],
    mended: true,
  },
];
