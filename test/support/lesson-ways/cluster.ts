/** Several hosts, and Kubernetes' parts. */
import { networkPolicyWays } from './network-policy.ts';
import { IN_BACKGROUND, type LessonWays } from './ways.ts';

const ends = (words: string, after = 'master cni0 up'): string =>
  `for n in 1 2; do ip -n node$n link add vx type vxlan ${words} dev eth0 local 192.0.2.1$n; ip -n node$n link set vx ${after}; done`;
const DROP_ENDS = 'for n in 1 2; do ip -n node$n link del vx; done';
const mtu = (words: string): { type: string; undo: string } => ({
  type: words,
  undo: 'for n in 1 2; do ip -n pod$n link set eth0 mtu 1500; done',
});

const vxlan: LessonWays = {
  lesson: 'vxlan',
  steps: {
    ends: {
      wrong: [
        { type: ends('id 43 dstport 4789'), undo: DROP_ENDS },
        { type: ends('id 42 dstport 8472'), undo: DROP_ENDS },
        { type: ends('id 42 dstport 4789', 'up'), undo: DROP_ENDS },
        {
          type: `${ends('id 42 dstport 4789')}; ip -n node2 link set vx down`,
          undo: DROP_ENDS,
          misses: 'node2 has',
        },
        {
          type: ends('id 42 dstport 4789').replace('1 2', '1'),
          undo: 'ip -n node1 link del vx',
          misses: 'node2 has',
        },
        // Over another interface, and from the other's address.
        { type: ends('id 42 dstport 4789').replace('dev eth0', 'dev lo'), undo: DROP_ENDS },
        { type: ends('id 42 dstport 4789').replace('1$n', '1$((3 - n))'), undo: DROP_ENDS },
      ],
      right: ends('id 42 dstport 4789 nolearning'),
    },
    peers: {
      wrong: [
        'bridge -n node1 fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.12',
        {
          type: 'bridge -n node2 fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.13',
          undo: 'bridge -n node2 fdb del 00:00:00:00:00:00 dev vx dst 192.0.2.13',
        },
        // Beside the tunnel.
        {
          type: 'for n in 1 2; do ip -n node$n link set vx nomaster; ip -n node$n link set eth0 master cni0; done',
          undo: 'for n in 1 2; do ip -n node$n link set eth0 nomaster; ip -n node$n link set vx master cni0; done; for n in 1 2; do ip -n pod$n neigh flush all; done',
        },
        {
          type: 'for n in 1 2; do ip -n node$n link set eth0 master cni0; done',
          undo: 'for n in 1 2; do ip -n node$n link set eth0 nomaster; ip -n pod$n neigh flush all; done',
        },
      ],
      right: 'bridge -n node2 fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.11',
    },
    mtu: {
      wrong: [
        mtu('ip -n pod1 link set eth0 mtu 1450'),
        mtu('ip -n pod2 link set eth0 mtu 1450'),
        mtu('for n in 1 2; do ip -n pod$n link set eth0 mtu 1480; done'),
        {
          type: 'for n in 1 2; do ip -n node$n link set eth0 mtu 1600; ip link set vnode$n mtu 1600; ip -n node$n link set vx mtu 1500; done',
          undo: 'for n in 1 2; do ip -n node$n link set vx mtu 1450; ip -n node$n link set eth0 mtu 1500; ip link set vnode$n mtu 1500; done',
          misses: 'still have an MTU of 1500',
        },
      ],
      right: 'for n in 1 2; do ip -n pod$n route change 10.0.9.0/24 dev eth0 src 10.0.9.1$n mtu 1400; done',
    },
  },
};

const enter = (words: string): string =>
  `nsenter --target $(cat /run/pause) ${words} ${IN_BACKGROUND} sleep 0.2`;
const SEPARATE = 'unshare --mount --pid --fork --kill-child';
const WEB = 'busybox httpd -f -p 80 -h /srv/web';
const KILL_PAUSE = 'kill -KILL $(cat /run/pause); rm /run/pause';
const pause = (kinds: string, name = 'shop'): { type: string; undo: string } => ({
  type: `unshare ${kinds} sh -c 'hostname ${name}; echo $$ >/run/pause; exec sleep infinity' ${IN_BACKGROUND} until [ -s /run/pause ]; do sleep 0.05; done; sleep 0.1`,
  undo: KILL_PAUSE,
});
const KILL_SERVERS = 'kill -KILL $(pgrep -x busybox); sleep 0.2';
const KILL_8000 = 'kill -KILL $(pgrep -fx "sleep 8000"); sleep 0.2';

const pod: LessonWays = {
  lesson: 'pod',
  steps: {
    pause: {
      wrong: [
        pause('--net --uts'),
        { ...pause('--net --uts --ipc', 'shops'), misses: 'host name is shop' },
        {
          type: `nsenter --net=/run/netns/outside unshare --uts --ipc sh -c 'hostname shop; echo $$ >/run/pause; exec sleep infinity' ${IN_BACKGROUND} until [ -s /run/pause ]; do sleep 0.05; done; sleep 0.1`,
          undo: KILL_PAUSE,
          misses: 'runs in a network',
        },
        "unshare --net --uts --ipc sh -c 'hostname shop; echo $$ >/run/pause'",
      ],
      right: `setsid unshare --ipc --net --uts --pid --fork sh -c 'hostname shop; exec sleep infinity' ${IN_BACKGROUND} until pgrep -fx "sleep infinity" >/run/pause; do sleep 0.05; done`,
    },
    network: {
      wrong: [
        'ip netns attach shop $(cat /run/pause); ip link add vshop type veth peer name eth0 netns shop; ip link set vshop up; ip -n shop address add 10.244.0.10/24 dev eth0; ip -n shop link set eth0 up; ip -n shop link set lo up; ip -n shop route add default via 10.244.0.1',
        {
          type: 'ip link set vshop master cni0; ip -n shop link set lo down',
          undo: 'ip -n shop link set lo up; ip link set vshop nomaster',
          misses: '127.0.0.1 is up',
        },
        {
          type: 'ip link set vshop master cni0; ip -n shop route del default',
          misses: 'the host reaches the pod',
        },
      ],
      right: 'ip -n shop route add 0.0.0.0/0 via 10.244.0.1 dev eth0',
    },
    containers: {
      wrong: [
        { type: enter(`--net --uts --ipc ${WEB}`), undo: KILL_SERVERS },
        // A pod each.
        {
          type: `${enter(`--net ${SEPARATE} ${WEB}`)}; ${enter(`--net --uts --ipc ${SEPARATE} sleep 8000`)}`,
          undo: `${KILL_SERVERS}; ${KILL_8000}`,
        },
        {
          type: enter(`--net --uts --ipc ${SEPARATE} sh -c 'sleep 8000 & exec ${WEB}'`),
          undo: KILL_SERVERS,
          misses: 'do not share',
        },
      ],
      right: `${enter(`--net --uts --ipc ${SEPARATE} sleep 8000`)}; unshare --mount --pid --fork nsenter --net=/run/netns/shop --uts=/proc/$(cat /run/pause)/ns/uts --ipc=/proc/$(cat /run/pause)/ns/ipc ${WEB} ${IN_BACKGROUND}`,
    },
    restart: {
      wrong: [
        { type: 'cp /srv/web2/index.html /srv/web/', misses: 'is younger' },
        { type: 'mount --bind /srv/web2 /srv/web', undo: 'umount /srv/web' },
        {
          type: `${KILL_SERVERS}; ${enter(`--net --uts --ipc ${SEPARATE} ${WEB}2`)}; ${KILL_8000}; ${enter(`--net --uts --ipc ${SEPARATE} sleep 8000`)}`,
          misses: 'is younger',
        },
        // With IPC objects of its own.
        {
          type: `${KILL_SERVERS}; ${enter(`--net --uts unshare --ipc --mount --pid --fork --kill-child ${WEB}2`)}`,
          misses: 'is younger',
        },
        KILL_SERVERS,
      ],
      right: enter(`--net --uts --ipc ${SEPARATE} ${WEB}2`),
    },
  },
};

const dnat = (backends: string): string =>
  `iptables -t nat -A PREROUTING -d 10.96.0.10 -p tcp --dport 80 ${backends}`;
const TO_1 = '-j DNAT --to-destination 10.244.0.11:80';
const TO_2 = '-j DNAT --to-destination 10.244.0.12:80';
const SOMETIMES = '-m statistic --mode random --probability 0.5';
const FLUSH_NAT = 'iptables -t nat -F';
const outward = (words: string, misses: string): { type: string; undo: string; misses: string } => ({
  type: `iptables -t nat -A POSTROUTING ${words}`,
  undo: 'iptables -t nat -F POSTROUTING',
  misses,
});

const service: LessonWays = {
  lesson: 'service',
  steps: {
    balance: {
      wrong: [
        { type: dnat(TO_1), undo: FLUSH_NAT, misses: 'some by backend1 and some by backend2' },
        // The second is never reached; half of the connections find no rule.
        { type: `${dnat(TO_1)}; ${dnat(TO_2)}`, undo: FLUSH_NAT, misses: 'some by backend1' },
        { type: dnat(`${SOMETIMES} ${TO_1}`), undo: FLUSH_NAT, misses: 'some by backend1' },
        {
          type: `ip address add 10.96.0.10/32 dev cni0; ${dnat(`${SOMETIMES} ${TO_1}`)}; ${dnat(TO_2)}`,
          undo: `ip address del 10.96.0.10/32 dev cni0; ${FLUSH_NAT}`,
          misses: 'no interface',
        },
        {
          type: 'for n in 1 2; do ip -n backend$n address add 10.96.0.10/32 dev lo; done; ip route add 10.96.0.10 nexthop via 10.244.0.11 nexthop via 10.244.0.12',
          undo: 'for n in 1 2; do ip -n backend$n address del 10.96.0.10/32 dev lo; done; ip route del 10.96.0.10',
        },
        // Of whatever address: the backends' own pages, too.
        {
          type: `${dnat(`${SOMETIMES} ${TO_1}`)}; ${dnat(TO_2)}`.replaceAll('-d 10.96.0.10 ', ''),
          undo: FLUSH_NAT,
          misses: 'own addresses',
        },
        {
          type: `ip netns exec client ${dnat(`${SOMETIMES} ${TO_1}`)}; ip netns exec client ${dnat(TO_2)}`.replaceAll(
            'PREROUTING',
            'OUTPUT',
          ),
          undo: 'ip netns exec client iptables -t nat -F',
          misses: 'the host',
        },
      ],
      right: `${dnat(`${SOMETIMES} ${TO_1}`)}; ${dnat(TO_2)}`,
    },
    hairpin: {
      wrong: [
        outward('-j MASQUERADE', 'own address'),
        outward('-s 10.244.0.12 -j MASQUERADE', 'of backend1'),
        {
          type: 'iptables -t nat -I PREROUTING -s 10.244.0.11 -d 10.96.0.10 -p tcp --dport 80 -j DNAT --to-destination 10.244.0.12:80; iptables -t nat -A POSTROUTING -s 10.244.0.11 -d 10.244.0.12 -j MASQUERADE',
          undo: 'iptables -t nat -D PREROUTING 1; iptables -t nat -F POSTROUTING',
          misses: 'some by itself',
        },
        {
          type: `ip netns exec backend1 ${dnat(`${SOMETIMES} ${TO_1}`)}; ip netns exec backend1 ${dnat(TO_2)}`.replaceAll(
            'PREROUTING',
            'OUTPUT',
          ),
          undo: 'ip netns exec backend1 iptables -t nat -F',
          misses: 'the host',
        },
      ],
      right: 'iptables -t nat -A POSTROUTING -s 10.244.0.0/24 -d 10.244.0.0/24 -j MASQUERADE',
    },
    endpoint: {
      wrong: [
        { type: 'ip link set vbackend2 down', undo: 'ip link set vbackend2 up' },
        {
          type: 'iptables -t nat -D PREROUTING 1',
          undo: dnat(`${SOMETIMES} ${TO_1}`).replace('-A PREROUTING', '-I PREROUTING'),
        },
        {
          type: 'iptables -t nat -D PREROUTING 2',
          undo: dnat(TO_2),
        },
        // For one client alone.
        {
          type: `iptables -t nat -F PREROUTING; ${dnat(`-s 10.244.1.2 ${TO_1}`)}`,
          misses: 'each request of backend1',
        },
      ],
      right: `iptables -t nat -F PREROUTING; ${dnat(TO_1)}`,
    },
  },
};

export const clusterWays: readonly LessonWays[] = [vxlan, pod, service, networkPolicyWays];
