/** Docker's steps by hand and by minidock. */
import { IN_BACKGROUND, stopAt, type LessonWays } from './ways.ts';

const COPY = { type: 'busybox httpd -p 8080 -h /srv/rootfs/www', undo: stopAt(8080) };
const SERVER = '/bin/busybox httpd -f -p 80 -h /www';

/** The port is free again only once the old server has ended; SIGTERM does not end a PID 1. */
const STOPPED = 'kill -KILL $(ip netns pids web); while [ -n "$(ip netns pids web)" ]; do :; done';

const byHand: LessonWays = {
  lesson: 'docker-by-hand',
  steps: {
    netns: { wrong: [{ type: 'ip netns attach web $$', undo: 'ip netns del web' }] },
    bridge: {
      wrong: [
        {
          type: 'ip link add dock0 type bridge; ip addr add 172.30.0.1 dev dock0; ip link set dock0 up',
          misses: 'dock0 has',
        },
        {
          type: 'ip addr flush dev dock0; ip addr add 172.30.0.1/16 dev dock0; ip link set dock0 down',
          misses: 'dock0 is a bridge and up',
        },
      ],
      right: 'ip link set dock0 up',
    },
    veth: {
      wrong: [
        { type: 'ip link add veth-web type veth peer name eth1 netns web', undo: 'ip link del veth-web' },
        { type: 'ip link add veth-web type bridge', undo: 'ip link del veth-web' },
      ],
    },
    attach: {
      wrong: [
        'ip link set eth0-web netns web',
        {
          type: 'ip -n web link add eth0 type bridge',
          undo: 'ip -n web link del eth0',
          misses: 'the other end of veth-web',
        },
      ],
      right: 'ip -n web link set eth0-web name eth0',
    },
    plug: {
      wrong: [
        {
          type: 'ip link add dock1 type bridge; ip link set veth-web master dock1',
          undo: 'ip link del dock1',
        },
      ],
    },
    address: {
      wrong: ['172.30.0.2/24', '172.30.0.3/16', '172.30.0.2'].map((address) => ({
        type: `ip -n web addr add ${address} dev eth0`,
        undo: 'ip -n web addr flush dev eth0',
      })),
    },
    up: {
      wrong: [
        'ip link set veth-web up; ip -n web link set eth0 up; ip -n web route add default via 172.30.0.9',
        {
          type: 'ip -n web route replace default via 172.30.0.1',
          misses: 'eth0 and lo in web are up',
        },
        { type: 'ip -n web link set lo up; ip link set veth-web down' },
      ],
      right: 'ip link set veth-web up',
    },
    run: {
      wrong: [
        // A page, but nothing that is kept apart; and then beside it something that is, and serves nothing.
        { type: 'ip netns exec web busybox httpd -p 80 -h /srv/rootfs/www', misses: 'listens on port 80' },
        {
          type: `ip netns exec web unshare -m -p -f chroot /srv/rootfs /bin/busybox sleep 1000 ${IN_BACKGROUND}`,
          misses: 'listens on port 80',
        },
        {
          type: `${STOPPED}; ip netns exec web chroot /srv/rootfs ${SERVER} ${IN_BACKGROUND}`,
        },
      ],
      right: `${STOPPED}; ip netns exec web unshare -m -p -f chroot /srv/rootfs ${SERVER} ${IN_BACKGROUND}`,
    },
    nat: {
      wrong: [
        'echo 1 >/proc/sys/net/ipv4/ip_forward',
        ...['172.30.0.0/16', 'default'].map((way) => ({
          type: `ip -n outside route add ${way} via 203.0.113.2`,
          undo: `ip -n outside route del ${way}`,
          misses: 'outside has no route',
        })),
        'iptables -t nat -A POSTROUTING -s 172.30.0.0/16 -o dock0 -j MASQUERADE',
      ],
      right: 'iptables -t nat -A POSTROUTING -s 172.30.0.2 -o eth0 -j SNAT --to-source 203.0.113.2',
    },
    publish: {
      wrong: [
        COPY,
        {
          type: 'iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 172.30.0.1:80',
          undo: 'iptables -t nat -F PREROUTING',
        },
        'iptables -t nat -A OUTPUT -p tcp --dport 8080 -j DNAT --to-destination 172.30.0.2:80',
        // For every address, and for every port.
        ...['--dport 8080', ''].map((match) => ({
          type: `iptables -t nat -A PREROUTING -p tcp ${match} -j DNAT --to-destination 172.30.0.2:80`,
          undo: 'iptables -t nat -F PREROUTING',
          misses: 'what web sends',
        })),
      ],
      right:
        'iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to-destination 172.30.0.2:80',
    },
  },
};

const byMinidock: LessonWays = {
  lesson: 'docker-by-minidock',
  steps: {
    run: {
      wrong: [
        {
          type: `minidock run -d --name web -p 8081:80 page ${SERVER}; ${COPY.type}`,
          undo: `minidock rm -f web; ${COPY.undo}`,
          misses: 'outside gets it',
        },
        {
          type: `minidock run -d --name web -p 127.0.0.1:8080:80 page ${SERVER}`,
          undo: 'minidock rm -f web',
          misses: 'outside gets it',
        },
        {
          type: `minidock run -d --name other -p 8080:80 page ${SERVER}`,
          undo: 'minidock rm -f other',
        },
      ],
      right: `minidock run -d --name web -p 8080:80 page ${SERVER}`,
    },
    remove: {
      wrong: [
        { type: 'minidock stop -t 0 web', misses: 'no container web' },
        { type: 'minidock rename web gone', misses: 'no container web' },
      ],
      right: 'minidock rm gone',
    },
  },
};

export const dockerWays: readonly LessonWays[] = [byHand, byMinidock];
