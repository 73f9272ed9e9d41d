/** What Docker does with these parts: the article's section D, first by hand, then with one command of minidock. */
import type { Lesson, LessonStep } from '../lesson.ts';
import { byMinidock } from './docker-by-minidock.ts';
import { ROOTFS, SERVER, webGreets } from './docker-scenery.ts';
import {
  areEnds,
  defaultRouteVia,
  hasNetns,
  isIn,
  isKind,
  isPluggedInto,
  isUp,
  needAddress,
} from './looks.ts';
import { allArrive, CLOSED } from './packets.ts';
import { noRouteBack, pings } from './scenery.ts';
import { needProcess } from './seen.ts';

/** Steps of one command and one check. */
const step = (
  id: string,
  title: string,
  rows: string | readonly string[],
  task: string,
  hints: LessonStep['hints'],
  solution: LessonStep['solution'],
  requirements: LessonStep['requirements'],
): LessonStep => ({
  id,
  title,
  article: [rows].flat().map((row) => `D:${row}`),
  task,
  hints,
  solution,
  requirements,
});

const byHand: Lesson = {
  name: 'docker-by-hand',
  group: 'docker',
  title: 'All that "docker run -p 8080:80" does with the network',
  story: `You know all the parts. Now put them together as Docker does when a container starts, step by step with Docker’s own names for the steps. The "image" is unpacked already: /srv/rootfs holds busybox and a page. What this leaves out, control groups and capabilities among it, is in the lessons beyond the network.`,
  setup: ROOTFS,
  steps: [
    step(
      'netns',
      'Create the network namespace',
      'create the network namespace',
      'Make the container’s network namespace, web.',
      ['ip netns add …'],
      [
        {
          command: 'ip netns add web',
          why: 'Docker gives it no name in /run/netns, so "ip netns" does not show it; it is the same thing.',
        },
      ],
      [{ text: 'the namespace web exists, a network of its own', holds: (host) => hasNetns(host, 'web') }],
    ),
    step(
      'bridge',
      'Create the bridge',
      'create the bridge',
      'Make the bridge dock0 with the address 172.30.0.1/16, and bring it up.',
      [
        'A bridge may have an address itself: then the host is a station on it.',
        'ip link add dock0 type bridge; ip addr add …; ip link set dock0 up',
      ],
      [
        {
          command: 'ip link add dock0 type bridge',
          why: 'Made once for all containers; Docker’s is called docker0.',
        },
        {
          command: 'ip addr add 172.30.0.1/16 dev dock0',
          why: 'The host’s own address on the switch: the gateway of all containers.',
        },
        { command: 'ip link set dock0 up', why: 'It has no carrier until something is plugged in.' },
      ],
      [
        {
          text: 'dock0 is a bridge and up',
          holds: async (host) => (await isKind(host, 'dock0', 'bridge')) && isUp(host, 'dock0'),
        },
        needAddress('dock0 has 172.30.0.1/16', 'dock0', '172.30.0.1/16'),
      ],
    ),
    step(
      'veth',
      'Create the veth pair',
      'create the veth pair',
      'Make the cable: veth-web for the host, eth0-web for the container.',
      ['ip link add veth-web type veth peer name …'],
      [
        {
          command: 'ip link add veth-web type veth peer name eth0-web',
          why: 'Docker gives the host’s end a random name: veth1a2b3c4.',
        },
      ],
      [
        {
          // A learner who creates the far end in web as eth0 has also done the next step.
          text: 'veth-web and eth0-web are a veth pair (or eth0 in web is the other end already)',
          holds: async (host) =>
            (await areEnds(host, ['veth-web'], ['eth0-web'])) || areEnds(host, ['veth-web'], ['eth0', 'web']),
        },
      ],
    ),
    step(
      'attach',
      'Attach one end to the container’s namespace',
      "attach one end to the container's namespace",
      'Put eth0-web into web, where it is to be called eth0.',
      ['A link can be moved and renamed at once.', 'ip link set eth0-web netns web name eth0'],
      [
        {
          command: 'ip link set eth0-web netns web name eth0',
          why: 'In a namespace of its own the name is free: every container has an eth0.',
        },
      ],
      [
        { text: 'eth0 is in web', holds: (host) => isIn(host, 'eth0', 'web') },
        {
          text: 'it is the other end of veth-web',
          holds: (host) => areEnds(host, ['veth-web'], ['eth0', 'web']),
        },
      ],
    ),
    step(
      'plug',
      'Attach the other end to the bridge',
      'attach the other end to the bridge',
      'Plug veth-web into dock0.',
      ['ip link set veth-web master …'],
      [{ command: 'ip link set veth-web master dock0', why: 'The container is on the switch.' }],
      [{ text: 'veth-web is a port of dock0', holds: (host) => isPluggedInto(host, 'veth-web', 'dock0') }],
    ),
    step(
      'address',
      'Assign the address',
      'assign the address',
      'Give the container’s eth0 172.30.0.2/16.',
      ['ip -n web addr add … dev eth0'],
      [
        {
          command: 'ip -n web addr add 172.30.0.2/16 dev eth0',
          why: 'Docker keeps a list of addresses in use; here all are free.',
        },
      ],
      [needAddress('eth0 in web has 172.30.0.2/16', 'eth0', '172.30.0.2/16', 'web')],
    ),
    step(
      'up',
      'Bring the interfaces up',
      'bring the interfaces up',
      'Bring up veth-web, and in web eth0 and lo; then give web a default route by way of the bridge.',
      [
        'Three links, and a route that can only be made once eth0 is up.',
        'ip -n web route add default via 172.30.0.1',
      ],
      [
        { command: 'ip link set veth-web up', why: 'The host’s end.' },
        { command: 'ip -n web link set eth0 up', why: 'The container’s end.' },
        { command: 'ip -n web link set lo up', why: 'Programs expect 127.0.0.1 to work.' },
        {
          command: 'ip -n web route add default via 172.30.0.1',
          why: 'The article leaves it out; without it nothing leaves the container.',
        },
      ],
      [
        { text: 'veth-web is up', holds: (host) => isUp(host, 'veth-web') },
        {
          text: 'eth0 and lo in web are up',
          holds: async (host) => (await isUp(host, 'eth0', 'web')) && isUp(host, 'lo', 'web'),
        },
        {
          text: 'the default route of web goes via 172.30.0.1',
          holds: (host) => defaultRouteVia(host, '172.30.0.1', 'web'),
        },
      ],
    ),
    step(
      'run',
      'A process in it, and the host reaches it',
      'host to container',
      `Start the web server of /srv/rootfs (in there it is "${SERVER}") in the namespace web, with process numbers, mounts and a root directory of its own, and fetch its page from the host.`,
      [
        'ip netns exec puts it into the network, unshare gives the other namespaces, chroot the root directory.',
        `ip netns exec web unshare --mount --uts --ipc --pid --fork chroot /srv/rootfs ${SERVER} &`,
      ],
      [
        {
          command: `ip netns exec web unshare --mount --uts --ipc --pid --fork chroot /srv/rootfs ${SERVER} >/dev/null 2>&1 &`,
          why:
            'This is a container, but a weak one: a process can leave a chroot (the lessons beyond the network ' +
            'show how), and there are no limits.',
        },
        { command: 'ping -c 2 172.30.0.2', why: 'Docker’s users ask "docker inspect" for this address.' },
      ],
      [
        {
          text: 'the host gets the page of http://172.30.0.2/',
          holds: (host) => webGreets(host, 'http://172.30.0.2/'),
        },
        needProcess(
          'the process that listens on port 80 in web has PID and mount namespaces of its own, and /srv/rootfs as its root directory',
          '[ "$(stat -Lc %i $p/ns/net)" = "$(stat -Lc %i /run/netns/web)" ] && own pid && own mnt && [ "$(stat -Lc %d:%i $p/root/www)" = "$(stat -Lc %d:%i /srv/rootfs/www)" ] && nsenter --net=$p/ns/net ss -Hltnp "sport = :80" | grep -q "pid=$pid,"',
        ),
      ],
    ),
    step(
      'nat',
      'Enable NAT: container to the world',
      ['enable NAT (masquerade)', 'container to the world'],
      'Let web reach 198.51.100.7: forwarding, and a masquerade for 172.30.0.0/16.',
      [
        'As in the lesson "masquerade".',
        'iptables -t nat -A POSTROUTING -s 172.30.0.0/16 ! -o dock0 -j MASQUERADE, and net.ipv4.ip_forward.',
      ],
      [
        { command: 'sysctl -w net.ipv4.ip_forward=1', why: 'The host becomes a router.' },
        {
          command: 'iptables -t nat -A POSTROUTING -s 172.30.0.0/16 ! -o dock0 -j MASQUERADE',
          why: 'Docker’s own rule: a packet that leaves by another interface than the bridge gets the host’s address.',
        },
      ],
      [
        pings('web reaches 198.51.100.7', '198.51.100.7', { from: 'web', by: 'outside' }),
        noRouteBack(
          'outside has no route to 172.30.0.2 in any table, and sees the host’s own address instead',
          '172.30.0.2',
          'web',
        ),
      ],
    ),
    step(
      'publish',
      'Publish the port: the world to the container',
      'the world to the container',
      'Make http://203.0.113.2:8080/ from outside give the container’s page. What web itself sends to port 8080 of other machines still goes there.',
      [
        'As in the lesson "publish"; Docker also checks that the packet is for this host.',
        'iptables -t nat -A PREROUTING -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination …',
      ],
      [
        {
          command:
            'iptables -t nat -A PREROUTING -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 172.30.0.2:80',
          why: 'Only packets for an address of this host are redirected.',
        },
      ],
      [
        {
          text: 'outside gets the page of http://203.0.113.2:8080/',
          holds: (host) => webGreets(host, 'http://203.0.113.2:8080/', 'outside'),
        },
        allArrive('what web sends to 198.51.100.7 arrives there, at port 8080 and at others', [
          {
            protocol: 'tcp',
            from: 'web',
            to: 'outside',
            address: '198.51.100.7',
            ports: [8080, ...CLOSED.tcp],
          },
        ]),
      ],
    ),
  ],
  epilogue:
    'That was the network of "docker run -d -p 8080:80". minidock does these steps too, and a few dozen more: "minidock lab start docker-by-minidock".',
};

export const lessons: readonly Lesson[] = [byHand, byMinidock];
