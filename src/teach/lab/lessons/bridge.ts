/** A switch: the article's section C. Two namespaces, each with a cable to a bridge on the host. */
import type { LabHost, Lesson } from '../lesson.ts';
import { areEnds, hasAddress, isKind, isPluggedInto, isUp, needOwnAddresses } from './looks.ts';
import { echoReplies, echoRequests, pingReaches } from './packets.ts';

const both = async (look: (name: string) => Promise<boolean>): Promise<boolean> =>
  (await look('red')) && look('blue');

export const lessons: readonly Lesson[] = [
  {
    name: 'bridge',
    group: 'bridge',
    title: 'A switch for as many namespaces as you like',
    story: `With cables alone each namespace needs one to every other. A bridge is a switch made of software: it learns which hardware address is behind which port and passes frames on. Each namespace gets one cable, to the switch.

  +-- red ----------+                                    +-- blue ---------+
  | veth-red        | ---- veth-red-br ===+=== veth-blue-br ---- veth-blue |
  +-----------------+                     |              +-----------------+
                                      v-net-0

The namespaces red and blue are new and empty.`,
    setup: ['ip netns add red', 'ip netns add blue'],
    steps: [
      {
        id: 'pairs',
        title: 'A cable for each',
        article: ['C9'],
        task: 'Make two veth pairs, veth-red with veth-red-br and veth-blue with veth-blue-br. Put veth-red into red and veth-blue into blue; the ends with -br stay on the host.',
        hints: [
          'As in the lesson "host", twice.',
          'ip link add veth-red type veth peer name veth-red-br; ip link set veth-red netns red',
        ],
        solution: [
          {
            command: 'ip link add veth-red type veth peer name veth-red-br',
            why: 'One end for the namespace, one for the switch.',
          },
          { command: 'ip link add veth-blue type veth peer name veth-blue-br', why: 'The same for blue.' },
          { command: 'ip link set veth-red netns red', why: 'The end that red will use.' },
          { command: 'ip link set veth-blue netns blue', why: 'And blue’s.' },
        ],
        requirements: [
          {
            text: 'veth-red, in red, is joined to veth-red-br on the host',
            holds: (host) => areEnds(host, ['veth-red', 'red'], ['veth-red-br']),
          },
          {
            text: 'veth-blue, in blue, is joined to veth-blue-br on the host',
            holds: (host) => areEnds(host, ['veth-blue', 'blue'], ['veth-blue-br']),
          },
        ],
      },
      {
        id: 'bridge',
        title: 'The switch',
        article: ['C10'],
        task: 'Make a bridge called v-net-0 on the host, and bring it up.',
        hints: ['A bridge is one more kind of link.', 'ip link add name v-net-0 type …; then "up".'],
        solution: [
          {
            command: 'ip link add name v-net-0 type bridge',
            why: 'To the host it looks like a network card; to what is plugged into it, like a switch.',
          },
          { command: 'ip link set v-net-0 up', why: 'A switch that is off passes nothing on.' },
        ],
        requirements: [
          { text: 'v-net-0 is a bridge', holds: (host) => isKind(host, 'v-net-0', 'bridge') },
          { text: 'v-net-0 is up', holds: (host) => isUp(host, 'v-net-0') },
        ],
      },
      {
        id: 'plug',
        title: 'Plug in',
        article: ['C11'],
        task: 'Plug veth-red-br and veth-blue-br into the bridge, and bring them up.',
        hints: [
          'A link that is a port of a bridge has it as its "master".',
          'ip link set veth-red-br master v-net-0; ip link set veth-red-br up. "bridge link" shows the ports.',
        ],
        solution: [
          {
            command: 'ip link set veth-red-br master v-net-0',
            why: 'From now on the bridge decides where frames from this port go.',
          },
          { command: 'ip link set veth-red-br up', why: 'A port that is down takes no part.' },
          { command: 'ip link set veth-blue-br master v-net-0', why: 'The second port.' },
          { command: 'ip link set veth-blue-br up', why: 'Both ports are on.' },
        ],
        requirements: [
          {
            text: 'veth-red-br and veth-blue-br are ports of v-net-0',
            holds: (host) => both((name) => isPluggedInto(host, `veth-${name}-br`, 'v-net-0')),
          },
          { text: 'both are up', holds: (host) => both((name) => isUp(host, `veth-${name}-br`)) },
          { text: 'v-net-0 is still up', holds: (host) => isUp(host, 'v-net-0') },
        ],
      },
      {
        id: 'addresses',
        title: 'Addresses, and up',
        article: ['C12'],
        task: 'Give veth-red 192.168.15.1/24 and veth-blue 192.168.15.2/24, and bring them up in their namespaces.',
        hints: [
          'As in the first lesson.',
          'ip -n red addr add 192.168.15.1/24 dev veth-red; ip -n red link set veth-red up',
        ],
        solution: [
          {
            command: 'ip netns exec red ip addr add 192.168.15.1/24 dev veth-red',
            why: 'A switch needs no addresses; the namespaces do.',
          },
          {
            command: 'ip netns exec red ip link set veth-red up',
            why: 'Its port on the bridge has a carrier now.',
          },
          {
            command: 'ip netns exec blue ip addr add 192.168.15.2/24 dev veth-blue',
            why: 'The same subnet, since there is no router between them.',
          },
          { command: 'ip netns exec blue ip link set veth-blue up', why: 'Both links are up.' },
        ],
        requirements: [
          {
            text: 'veth-red has 192.168.15.1/24 and is up',
            holds: (host) => isReady(host, 'red', '192.168.15.1/24'),
          },
          {
            text: 'veth-blue has 192.168.15.2/24 and is up',
            holds: (host) => isReady(host, 'blue', '192.168.15.2/24'),
          },
          needOwnAddresses({ red: '192.168.15.1', blue: '192.168.15.2' }),
        ],
      },
      {
        id: 'ping',
        title: 'Through the switch',
        article: ['C13'],
        task: 'Ping blue from red. Then look at what the switch has learnt: which hardware address is behind which port.',
        hints: [
          'ip netns exec red ping -c 1 192.168.15.2',
          '"bridge fdb show br v-net-0" is the switch’s memory. It forgets after five minutes; ping again if it is empty.',
        ],
        solution: [
          {
            command: 'ip netns exec red ping -c 1 192.168.15.2',
            why: 'Into veth-red, out of veth-red-br, through the bridge, into veth-blue-br, out of veth-blue.',
          },
          {
            command: 'bridge fdb show br v-net-0 | grep -v permanent',
            why: 'The bridge read the senders’ addresses in passing; it sends the next frame to one port alone.',
          },
        ],
        requirements: [
          {
            text: 'the bridge has learnt veth-red’s address at port veth-red-br',
            holds: (host) => hasLearnt(host, 'red'),
          },
          {
            text: 'the bridge has learnt veth-blue’s address at port veth-blue-br',
            holds: (host) => hasLearnt(host, 'blue'),
          },
          {
            text: 'a ping of red to blue was answered, and blue can be reached through the bridge',
            // The check pings only after the learner did: its own ping would satisfy the check.
            holds: async (host) =>
              (await echoReplies(host, 'red')) > 0 &&
              (await echoRequests(host, 'blue')) > 0 &&
              pingReaches(host, '192.168.15.2', { from: 'red', by: 'blue' }),
          },
        ],
      },
    ],
    epilogue:
      'docker0 and minidock’s bridge are this bridge. One thing is different there: the bridge itself has an address, which makes the host one more station on the switch, and the containers’ gateway. Next: all of Docker’s steps in a row ("minidock lab start docker-by-hand").',
  },
];

const isReady = async (host: LabHost, name: string, address: string): Promise<boolean> =>
  (await hasAddress(host, `veth-${name}`, address, name)) && isUp(host, `veth-${name}`, name);

async function hasLearnt(host: LabHost, name: string): Promise<boolean> {
  const [link] = await host.ip(['link', 'show', `veth-${name}`], name);
  const { stdout } = await host.run(['bridge', 'fdb', 'show', 'dev', `veth-${name}-br`]);
  const mac = link?.['address'];
  return (
    typeof mac === 'string' &&
    stdout.split('\n').some((line) => line.startsWith(`${mac} `) && !/permanent|static/.test(line))
  );
}
