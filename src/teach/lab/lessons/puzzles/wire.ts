/** Puzzles of one switch and what is plugged into it: links, addresses, prefixes and neighbours. */
import type { LabHost, Lesson } from '../../lesson.ts';
import { addressesOf, bridge, cable, forwarding, namespace, pageAt, pageComes, puzzle } from '../scenery.ts';

const PICTURE = `
    client 192.168.15.2 ---+
                           +--- br0 192.168.15.1 (the host)
    web    192.168.15.3 ---+`;

const client = [
  ...namespace('client'),
  ...cable({ netns: 'client', address: '192.168.15.2/24', bridge: 'br0' }),
];

/** A bridge, the client and a web server, all in order; a puzzle breaks something afterwards. */
const sound = [
  ...bridge('br0', '192.168.15.1/24'),
  ...client,
  ...namespace('web'),
  ...cable({ netns: 'web', address: '192.168.15.3/24', mac: '02:00:00:00:00:03', bridge: 'br0' }),
  ...pageAt('web', 'the page of web'),
];

const pageFromClient = pageComes(
  'the client gets the page of http://192.168.15.3/',
  'http://192.168.15.3/',
  'the page of web',
  { from: 'client', by: 'web' },
);

const linkDown = puzzle({
  name: 'puzzle-link-down',
  title: 'A server nobody hears',
  story: `Two namespaces hang on one bridge. The server runs, its address is right, its interface was brought up.
Still the client waits for the page and gives up.
${PICTURE}`,
  setup: [...sound, 'ip link set vweb down'],
  task: 'Let the client get the page of http://192.168.15.3/.',
  hints: [
    'Go along the cable: every cable has two ends, and both have to be up. `ip -br link` lists those of the host, `ip -n web -br link` the other ends.',
    'NO-CARRIER means: this end is up, the far end is not. The number after @if is the index of the other end; `ip ' +
      '-br link` and `bridge link` on the host show it.',
    'The end called vweb, on the host, is DOWN: `ip link set … up`.',
  ],
  solution: [
    {
      command: 'ip link set vweb up',
      why: 'The inner end was up all along but had no carrier, since a veth pair carries only while both ends are up; and a bridge forwards nothing to a port that is down.',
    },
  ],
  requirements: [pageFromClient],
  epilogue:
    'Docker and minidock bring up the end on the bridge before the one inside; `minidock run --explain` shows both as steps of their own.',
});

const wrongPrefix = puzzle({
  name: 'puzzle-wrong-prefix',
  title: 'Heard, and no answer',
  story: `Client and server are on one bridge, and their addresses begin alike. The client's packets arrive at the server;
nothing comes back.
${PICTURE.replace('192.168.15.3 ', '192.168.15.200')}`,
  setup: [
    ...bridge('br0', '192.168.15.1/24'),
    ...client,
    ...namespace('web'),
    ...cable({ netns: 'web', address: '192.168.15.200/25', bridge: 'br0' }),
    ...pageAt('web', 'the page of web'),
  ],
  task: 'Let the client get the page of http://192.168.15.200/.',
  hints: [
    'Links are up, so ask each side where it would send a packet for the other: `ip -n client route get 192.168.15.200`, `ip -n web route get 192.168.15.2`.',
    'The address is only half of what `ip address` shows: the number after the slash says who is on the same wire. `ip -n web -br address`.',
    'A /25 of .200 reaches from .128 to .255, and .2 is not in it. Give the server 192.168.15.200/24 instead.',
  ],
  solution: [
    {
      command: 'ip -n web address add 192.168.15.200/24 dev eth0',
      why: 'The prefix length makes the route: with /24 everything from .0 to .255 is on this wire, the client too.',
    },
    {
      command: 'ip -n web address del 192.168.15.200/25 dev eth0',
      why: 'The same address with the old prefix would stay beside the new one, and its narrower route too.',
    },
  ],
  requirements: [
    pageComes(
      'the client gets the page of http://192.168.15.200/',
      'http://192.168.15.200/',
      'the page of web',
      { from: 'client', by: 'web' },
    ),
  ],
  epilogue:
    "Docker and minidock take the prefix length of every container's address from the one subnet of its network, so it cannot differ.",
});

/** The printer may have moved into another namespace. */
async function allAddresses(host: LabHost): Promise<readonly string[]> {
  const names = (await host.run(['ls', '/run/netns'])).stdout.split('\n').filter(Boolean);
  const all = await Promise.all([undefined, ...names].map((netns) => addressesOf(host, netns)));
  return all.flat().map(({ address }) => address);
}

const duplicateAddress = puzzle({
  name: 'puzzle-duplicate-address',
  title: 'Somebody else answers',
  story: `The page of the server came yesterday. Today a printer was plugged into the same bridge, and the client gets
"connection refused" at an address whose server runs.

    client  192.168.15.2 ---+
    web     192.168.15.3 ---+--- br0 192.168.15.1 (the host)
    printer              ---+`,
  setup: [
    ...sound,
    ...namespace('printer'),
    ...cable({ netns: 'printer', address: '192.168.15.3/24', mac: '02:00:00:00:00:66', bridge: 'br0' }),
    'ip -n client neigh flush all',
    'ip netns exec printer ping -c 1 -W 1 192.168.15.2 || true',
  ],
  task: 'Let the client get the page of http://192.168.15.3/, today and tomorrow: an address belongs to one machine.',
  hints: [
    'Refused means that somebody answered. Who? `ip -n client neigh` says which MAC address the client takes for 192.168.15.3.',
    "Compare it with the server's own: `ip -n web -br link`. `bridge fdb show br br0` tells at which port of the bridge a MAC address lives. (With tcpdump: `ip netns exec client tcpdump -en arp`.)",
    'The printer has the same address. Take it away (`ip -n printer address del …`) and give it a free one, then let the client forget: `ip -n client neigh flush all`.',
  ],
  solution: [
    {
      command: 'ip -n printer address add 192.168.15.4/24 dev eth0',
      why: 'The printer gets an address nobody else has.',
    },
    {
      command: 'ip -n printer address del 192.168.15.3/24 dev eth0',
      why: 'Two machines with one address both answer "who has it?", and the first answer gets all packets.',
    },
    {
      command: 'ip -n client neigh flush all',
      why: 'The client still remembers the wrong MAC address and would ask again only after a while.',
    },
  ],
  requirements: [
    pageFromClient,
    {
      text: '192.168.15.3 and each other address belongs to only one interface (those that are down count too)',
      holds: async (host) => {
        const all = await allAddresses(host);
        return all.includes('192.168.15.3') && new Set(all).size === all.length;
      },
      found: async (host) => {
        const all = await allAddresses(host);
        const twice = all.filter((address, index) => all.indexOf(address) !== index);
        return twice.length === 0 ? undefined : `${[...new Set(twice)].join(', ')} more than once`;
      },
    },
  ],
  epilogue:
    'minidock takes an address by creating a file with its name: the kernel lets only one of two processes do ' +
    "that. It derives the MAC address from the IP address, so that a neighbour's old entry stays right. Docker " +
    'keeps a bitmap in its daemon.',
});

const bridgeWithoutAddress = puzzle({
  name: 'puzzle-bridge-without-address',
  title: 'Good neighbours, no way out',
  story: `Client and server talk to each other over the bridge, both have a default route, forwarding and masquerading are on.
The internet (198.51.100.7) does not answer them.
${PICTURE.replace('br0 192.168.15.1 (the host)', 'br0 (the host) --- eth0 --- 198.51.100.7')}`,
  setup: [
    ...bridge('br0'),
    ...client,
    ...namespace('web'),
    ...cable({ netns: 'web', address: '192.168.15.3/24', bridge: 'br0' }),
    'ip -n client route add default via 192.168.15.1',
    'ip -n web route add default via 192.168.15.1',
    forwarding(true),
    'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j MASQUERADE',
    ...pageAt('outside', 'a page of the internet'),
  ],
  task: 'Let the client get the page of http://198.51.100.7/.',
  hints: [
    'Where does the client send such a packet? `ip -n client route get 198.51.100.7` names a gateway. Does the gateway answer a ping?',
    '`ip -n client neigh` after that: FAILED means that nobody on the wire has this address. Who ought to have it? `ip -br address` on the host.',
    'The host joins a switch by an address on the bridge itself, not on one of its ports: `ip address add 192.168.15.1/24 dev …`.',
  ],
  solution: [
    {
      command: 'ip address add 192.168.15.1/24 dev br0',
      why: 'A bridge is a switch and an interface of the host at once. Only with an address on it is the host on that wire, can be the gateway and knows the way back.',
    },
  ],
  requirements: [
    pageComes(
      'the client gets the page of http://198.51.100.7/',
      'http://198.51.100.7/',
      'a page of the internet',
      { from: 'client', by: 'outside' },
    ),
  ],
  epilogue:
    "docker0 (172.17.0.1) and minidock0 have the first address of their subnet: it is every container's gateway.",
});

const wrongNeighbour = puzzle({
  name: 'puzzle-wrong-neighbour',
  title: 'The new machine',
  story: `The server was replaced by a new machine with the old address. Everyone on the bridge reaches it, the host too;
only the client does not.
${PICTURE}`,
  setup: [
    ...sound,
    'ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:99 dev eth0 nud permanent',
  ],
  task: 'Let the client get the page of http://192.168.15.3/, also when another new machine comes in its place.',
  hints: [
    'One client alone is affected, so compare what it knows with what others know: `ip -n client neigh` and `ip neigh`, after a ping from each.',
    'The state of the entry shows where it comes from. Somebody typed a PERMANENT one, and no ARP answer changes ' +
      'it.',
    '`ip neigh flush all` leaves permanent entries in peace. Delete this one: `ip -n client neigh del 192.168.15.3 dev eth0`.',
  ],
  solution: [
    {
      command: 'ip -n client neigh del 192.168.15.3 dev eth0',
      why: 'Frames went to the MAC address of a machine that is gone. Without the entry the client asks by ARP who has the address now.',
    },
  ],
  requirements: [
    pageFromClient,
    {
      text: 'the client asks by ARP who has 192.168.15.3: it has no permanent entry for it',
      holds: async (host) =>
        (await host.ip(['neigh', 'show', 'to', '192.168.15.3', 'nud', 'permanent'], 'client')).length === 0,
    },
  ],
  epilogue:
    'A new container may get the address of one that has just gone; its neighbours would use the old MAC address ' +
    'for a minute. minidock derives the MAC address from the IP address, as Docker long did, so the old entry ' +
    'stays right.',
});

export const lessons: readonly Lesson[] = [
  linkDown,
  wrongPrefix,
  duplicateAddress,
  bridgeWithoutAddress,
  wrongNeighbour,
];
