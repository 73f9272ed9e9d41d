/** Puzzles of the host as a router: routes there and back, forwarding, and reverse path filtering. */
import type { Lesson } from '../../lesson.ts';
import { isForwarded } from '../forwarded.ts';
import { bridge, cable, forwarding, namespace, pageAt, pageComes, puzzle } from '../scenery.ts';

const PICTURE = `
    client 192.168.16.2 -- 192.168.16.1 host 192.168.15.1 -- 192.168.15.2 web`;

const clientSide = [
  ...namespace('client'),
  ...cable({
    netns: 'client',
    address: '192.168.16.2/24',
    hostAddress: '192.168.16.1/24',
    gateway: '192.168.16.1',
  }),
];

const web = { netns: 'web', address: '192.168.15.2/24', hostAddress: '192.168.15.1/24' };
const webSide = [
  ...namespace('web'),
  ...cable({ ...web, gateway: '192.168.15.1' }),
  ...pageAt('web', 'the page of web'),
];

const pageFromClient = pageComes(
  'the client gets the page of http://192.168.15.2/',
  'http://192.168.15.2/',
  'the page of web',
  { from: 'client', by: 'web' },
);

const missingRoute = puzzle({
  name: 'puzzle-missing-route',
  title: 'There, and not back',
  story: `The host joins two wires and forwards between them. From the host itself the page comes at once; the client on the
other wire waits in vain.
${PICTURE}`,
  setup: [
    ...clientSide,
    ...namespace('web'),
    ...cable(web),
    ...pageAt('web', 'the page of web'),
    forwarding(true),
  ],
  task: 'Let the client get the page of http://192.168.15.2/.',
  hints: [
    'Every conversation needs two ways, there and back. Ask for each where the packet would go: `ip -n client route get 192.168.15.2`, then the server about the client.',
    '`ip -n web route get 192.168.16.2` says "Network is unreachable": the request arrives, the answer is never sent. (The server counts them: OutNoRoutes in `ip netns exec web cat /proc/net/snmp`.)',
    'The server needs a route, a default one or one to 192.168.16.0/24, by the host: `ip -n web route add … via 192.168.15.1`.',
  ],
  solution: [
    {
      command: 'ip -n web route add default via 192.168.15.1',
      why:
        'The host and the server share a wire, so those two needed no route. Answers to other machines go through ' +
        'the gateway.',
    },
  ],
  requirements: [pageFromClient],
  epilogue:
    'Each container gets a default route by its bridge, from Docker as from minidock; the article leaves it out (see the lesson article-no-way-out).',
});

const forwardingOff = puzzle({
  name: 'puzzle-forwarding-off',
  title: 'A host that keeps to itself',
  story: `Both wires end at the host, every address and every route is right, the host reaches both sides, there is no firewall.
Between the two sides nothing passes.
${PICTURE}`,
  setup: [...clientSide, ...webSide, forwarding(false)],
  task: 'Let the client get the page of http://192.168.15.2/.',
  hints: [
    'See how far a packet comes: both sides ping their own gateway, and also the address the host has on the other side. Does anything leave on the far wire? (`ip -s link show vweb`, or tcpdump there.)',
    'The packet is not for the host itself, so the host has to be a router. Linux by default is not one: `ip route get 192.168.15.2 from 192.168.16.2 iif vclient` asks the kernel what it would do.',
    'Look at /proc/sys/net/ipv4/ip_forward.',
  ],
  solution: [
    {
      command: 'echo 1 >/proc/sys/net/ipv4/ip_forward',
      why: 'Without it the kernel drops, silently, what comes in by one interface and is for somebody behind another. `sysctl -w net.ipv4.ip_forward=1` is the same.',
    },
  ],
  requirements: [pageFromClient],
  epilogue:
    'Docker switches forwarding on when its daemon starts, minidock with the first container that needs it; neither ever switches it off, since somebody else may forward by now.',
});

const twoBridges = puzzle({
  name: 'puzzle-two-bridges',
  title: 'The leftover',
  story: `Somebody left a test set-up on this host. Now a new bridge, br0, has the server on it, all is up, and
the host itself cannot reach 192.168.15.2.

    host --- br0 192.168.15.1 --- web 192.168.15.2`,
  setup: [
    ...bridge('br-old', '192.168.15.1/24'),
    ...namespace('old'),
    ...cable({ netns: 'old', address: '192.168.15.9/24', bridge: 'br-old' }),
    ...bridge('br0', '192.168.15.1/24'),
    ...namespace('web'),
    ...cable({ netns: 'web', address: '192.168.15.2/24', bridge: 'br0' }),
    ...pageAt('web', 'the page of web'),
  ],
  task: 'Let the host get the page of http://192.168.15.2/.',
  hints: [
    'By which interface does the host send it? `ip route get 192.168.15.2`.',
    '`ip route` and `ip -br address` show two interfaces with one subnet; of two equal routes the older one wins. `bridge link` tells what is plugged in where.',
    'Delete the old bridge, or its address, or add a narrower route by the right one.',
  ],
  solution: [
    {
      command: 'ip link del br-old',
      why: 'Its address made a route to 192.168.15.0/24 which stands before the new one, so everything for the server was sent to a switch it does not hang on.',
    },
  ],
  requirements: [
    pageComes('the host gets the page of http://192.168.15.2/', 'http://192.168.15.2/', 'the page of web', {
      by: 'web',
    }),
  ],
  epilogue:
    'Docker refuses a network whose subnet overlaps one of its own, and picks the pools of its networks around ' +
    'the routes it finds. Look at `ip route` first: it shows leftovers of all programs.',
});

const rpFilter = puzzle({
  name: 'puzzle-rp-filter',
  title: 'The laptop with two ways',
  story: `A laptop has one address, 10.9.9.9, and two ways to the host: by wire and by radio. It sends by wire; the host answers
by radio. Its packets arrive at the host, and the host does nothing with them.

                   +-- wire  192.168.16.2 --- vwire  --+
    laptop 10.9.9.9                                   host -- web 192.168.15.2
                   +-- radio 192.168.17.2 --- vradio --+`,
  setup: [
    ...namespace('laptop'),
    ...cable({
      netns: 'laptop',
      inside: 'wire',
      outside: 'vwire',
      address: '192.168.16.2/24',
      hostAddress: '192.168.16.1/24',
    }),
    ...cable({
      netns: 'laptop',
      inside: 'radio',
      outside: 'vradio',
      address: '192.168.17.2/24',
      hostAddress: '192.168.17.1/24',
    }),
    `ip netns exec laptop sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >"$f"; done'`,
    'ip netns exec laptop sh -c "echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce"',
    'ip -n laptop address add 10.9.9.9/32 dev lo',
    'ip -n laptop route add default via 192.168.16.1 src 10.9.9.9',
    'ip route add 10.9.9.9 via 192.168.17.2',
    ...webSide,
    forwarding(true),
    'echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter',
    'echo 0 >/proc/sys/net/ipv4/conf/vwire/rp_filter',
  ],
  task: 'Let the laptop get the page of http://192.168.15.2/ with its address 10.9.9.9.',
  hints: [
    'What arrives and is neither answered nor forwarded is dropped in between. Some drops are counted: look through /proc/net/netstat (or `nstat -az`) for a number that grows with every try.',
    'IPReversePathFilter grows. The host asks itself: would I send an answer to this sender by the interface it came in on? `ip route get 10.9.9.9` says vradio, the packet came by vwire.',
    'Either the host answers by wire (`ip route replace 10.9.9.9 via …`), or the filter becomes loose (2). Of conf/all/rp_filter and conf/vwire/rp_filter the greater number counts, so a 0 in one of them alters nothing.',
  ],
  solution: [
    {
      command: 'echo 2 >/proc/sys/net/ipv4/conf/vwire/rp_filter',
      why:
        'Strict (1) wants the way back to be the way there. Loose (2) wants only that there is a way back at all, ' +
        'which still drops packets from unknown senders.',
    },
  ],
  requirements: [
    pageComes('the laptop gets the page of http://192.168.15.2/', 'http://192.168.15.2/', 'the page of web', {
      from: 'laptop',
      by: 'web',
    }),
    {
      text: 'the laptop still speaks as 10.9.9.9',
      holds: async (host) =>
        isForwarded(host, { source: '10.9.9.9', address: '192.168.15.2', port: 80 }, () =>
          host.fetch('http://192.168.15.2/', { netns: 'laptop' }),
        ),
    },
  ],
  epilogue:
    'Docker and minidock leave the filter as it is: a container of one network has one way. Many distributions set it to loose for this very reason.',
});

export const lessons: readonly Lesson[] = [missingRoute, forwardingOff, twoBridges, rpFilter];
