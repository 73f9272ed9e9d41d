/** Tables of routes that lead a packet the wrong way, and ports of a bridge that keep it. */
import { fetch, INTERNET, outside, PUBLISHED, rpFilter, type Breakage } from './terms.ts';

const APP_TO_WORLD: Pick<Breakage, 'client' | 'mended'> = {
  client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
  mended: true,
};
const toWorld = (code: string): Breakage['asked'] => [[[`app -> ${INTERNET}:80`], code]];
/** A table of routes of its own, and the rule that asks it. */
const asked = (rule: string, route: string): Pick<Breakage, 'broken' | 'undo'> => ({
  broken: `ip route add ${route} table 100; ip rule add ${rule} lookup 100 pref 90`,
  undo: 'ip rule del pref 90 2>/dev/null || true; ip route flush table 100',
});
const FORGET_WEB =
  'bridge fdb flush dev $WEB_LINK master; ip neigh flush dev minidock0; $APP_NS ip neigh flush dev eth0';
const port = (setting: string, is: string, was: string): Pick<Breakage, 'broken' | 'undo'> => ({
  broken: `bridge link set dev $WEB_LINK ${setting} ${is}; ${FORGET_WEB}`,
  undo: `bridge link set dev $WEB_LINK ${setting} ${was}`,
});

export const ways: readonly Breakage[] = [
  {
    name: 'a route of the host that swallows the world',
    broken: 'ip route add blackhole 198.51.100.0/24',
    undo: 'ip route del blackhole 198.51.100.0/24 2>/dev/null || true',
    asked: [...toWorld('no-route'), [['host', `${INTERNET}:80`], 'no-route']],
    ...APP_TO_WORLD,
  },
  {
    name: 'a table that swallows what comes from the containers',
    ...asked('from 172.17.0.0/16', 'blackhole default'),
    asked: [...toWorld('unroutable'), ...outside('unroutable')],
    ...APP_TO_WORLD,
  },
  {
    name: 'a table that swallows all, as of a VPN that is off',
    broken: 'ip route add blackhole default table 100; ip rule add not fwmark 0x5 lookup 100 pref 90',
    undo: 'ip rule del pref 90 2>/dev/null || true; ip route flush table 100',
    asked: [...toWorld('no-route'), [['host', `${INTERNET}:80`], 'no-route'], ...outside('no-route')],
    ...APP_TO_WORLD,
  },
  {
    name: 'a table that leads what comes from a container back to its bridge',
    ...asked('from $APP', 'default via $WEB dev minidock0'),
    asked: toWorld('misrouted'),
    ...APP_TO_WORLD,
  },
  {
    name: 'a table that makes the host keep what comes from the containers',
    ...asked('iif minidock0', 'local default dev lo'),
    asked: toWorld('kept'),
    ...APP_TO_WORLD,
  },
  {
    name: 'a container that sends from an address of no network of its own',
    broken:
      '$APP_NS ip addr add 10.9.9.9/24 dev eth0; $APP_NS ip route replace default via 172.17.0.1 src 10.9.9.9',
    undo: '$APP_NS ip addr del 10.9.9.9/24 dev eth0; $APP_NS ip route replace default via 172.17.0.1',
    asked: toWorld('wrong-source'),
    ...APP_TO_WORLD,
  },
  {
    name: 'a route that leads to a container elsewhere, and a strict reverse path filter',
    broken: `${rpFilter(1)}; ip route add $APP/32 dev eth0`,
    undo: `${rpFilter(0)}; ip route del $APP/32 dev eth0 2>/dev/null || true`,
    asked: toWorld('unroutable'),
    ...APP_TO_WORLD,
  },
  {
    name: 'a container whose network is too wide',
    broken: '$APP_NS ip addr add $APP/1 dev eth0; $APP_NS ip addr del $APP/16 dev eth0',
    undo: '$APP_NS ip addr flush dev eth0; $APP_NS ip addr add $APP/16 dev eth0; $APP_NS ip route replace default via 172.17.0.1',
    asked: toWorld('on-link'),
    ...APP_TO_WORLD,
  },
  {
    name: 'a locked port of the bridge',
    ...port('locked', 'on learning off', 'off learning on'),
    client: PUBLISHED,
    asked: [...outside('port-locked'), [['app -> web:80'], 'port-locked']],
    mended: true,
  },
  {
    name: 'a port of the bridge that takes no broadcasts',
    ...port('bcast_flood', 'off', 'on'),
    client: `$APP_NS ${fetch('http://$WEB/')}`,
    asked: [[['app -> web:80'], 'no-broadcast']],
    mended: true,
  },
  {
    name: 'a port of the bridge that sends nothing back where it came from',
    broken: 'bridge link set dev $WEB_LINK hairpin off',
    undo: 'bridge link set dev $WEB_LINK hairpin on',
    client: `$WEB_NS ${fetch('http://192.0.2.2:8080/')}`,
    asked: [[['web -> 192.0.2.2:8080'], 'no-hairpin'], ...outside('works')],
    mended: true,
  },
];
