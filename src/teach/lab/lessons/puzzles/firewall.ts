/** Puzzles of packet filters and address translation: a drop, and three ways to lose the way back. */
import type { Lesson } from '../../lesson.ts';
import { isForwarded } from '../forwarded.ts';
import { CLOSED, leaves, nothingArrives } from '../packets.ts';
import {
  bridge,
  cable,
  forwarding,
  namespace,
  noRouteBack,
  pageAt,
  pageComes,
  pageStaysAway,
  puzzle,
} from '../scenery.ts';

const webBehindHost = [
  ...namespace('web'),
  ...cable({
    netns: 'web',
    address: '192.168.15.2/24',
    hostAddress: '192.168.15.1/24',
    gateway: '192.168.15.1',
  }),
  ...pageAt('web', 'the page of web'),
  forwarding(true),
];

const PUBLISH =
  'iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.2:80';

const pageFromOutside = pageComes(
  'outside gets the page of http://203.0.113.2:8080/',
  'http://203.0.113.2:8080/',
  'the page of web',
  { from: 'outside', by: 'web' },
);

const forwardDrop = puzzle({
  name: 'puzzle-forward-drop',
  title: 'Accepted, and dropped',
  story: `The office's firewall came with the machine. Somebody has already written "iptables -A FORWARD -j ACCEPT", and it is
counted, and the client still waits for the page.

    client 192.168.16.2 ---- host ---- 192.168.15.2 web (80; 9090 for its admin)`,
  setup: [
    ...webBehindHost,
    ...pageAt('web', 'the page of the admin', '9090'),
    ...namespace('client'),
    ...cable({
      netns: 'client',
      address: '192.168.16.2/24',
      hostAddress: '192.168.16.1/24',
      gateway: '192.168.16.1',
    }),
    'iptables -A FORWARD -j ACCEPT',
    'nft add table inet office',
    "nft add chain inet office forward '{ type filter hook forward priority 10; policy drop; }'",
    'nft add rule inet office forward ct state established,related counter accept',
  ],
  task:
    "Let the client get the page of http://192.168.15.2/. Open nothing else of web: the admin's page on port 9090 " +
    "and all other ports stay closed to the client. Open nobody else's port either: the client has a port 80 too.",
  hints: [
    'There may be more than one firewall at the same point of the way. `nft list ruleset` shows all of them, also what iptables made; look for every chain with `hook forward`.',
    'Accept ends only the chain it stands in; the packet then enters the next chain of the same hook. Drop is final. The table office has the last word: its policy is drop.',
    'Put the rule where the drop is: `nft add rule inet office forward ip daddr 192.168.15.2 tcp dport 80 …`.',
  ],
  solution: [
    {
      command: 'nft add rule inet office forward ip daddr 192.168.15.2 tcp dport 80 accept',
      why: 'Every chain of a hook must accept a packet. An ACCEPT elsewhere cannot outvote a drop here.',
    },
  ],
  requirements: [
    pageComes('the client gets the page of http://192.168.15.2/', 'http://192.168.15.2/', 'the page of web', {
      from: 'client',
      by: 'web',
    }),
    pageStaysAway('the client does not get http://192.168.15.2:9090/', 'http://192.168.15.2:9090/', 'client'),
    {
      text: 'the client still sends to other ports of web: the host must close them',
      holds: (host) =>
        leaves(host, {
          ...{ protocol: 'tcp', from: 'client', to: 'web', address: '192.168.15.2', ports: CLOSED.tcp },
        }),
    },
    nothingArrives('no packet of the client reaches another port of web', [
      { protocol: 'tcp', from: 'client', to: 'web', address: '192.168.15.2', ports: [9091, ...CLOSED.tcp] },
      { protocol: 'udp', from: 'client', to: 'web', address: '192.168.15.2', ports: CLOSED.udp },
    ]),
    nothingArrives("the exception is about web's page: port 80 of the client stays closed to web", [
      { protocol: 'tcp', from: 'web', to: 'client', address: '192.168.16.2', ports: [80] },
    ]),
  ],
  epilogue:
    "The same happens to containers: the accepts of Docker or minidock do not outvote firewalld's drop. minidock recognises ufw and firewalld and prints the command that lets containers through; `minidock why` names the chain that dropped.",
});

const dnatReturn = puzzle({
  name: 'puzzle-dnat-return',
  title: 'The answer takes the other door',
  story: `Port 8080 of the host is redirected to the server, and the rule counts every try. The server also has a cable to a
second router, backup. Outside waits in vain.

    outside ---- 203.0.113.2 host 192.168.15.1 ---- 192.168.15.2 web
                            backup 192.168.18.1 ---- 192.168.18.2 web`,
  setup: [
    ...webBehindHost,
    PUBLISH,
    ...namespace('backup'),
    'ip -n backup link add eth0 type veth peer name eth1 netns web',
    'ip -n backup address add 192.168.18.1/24 dev eth0',
    'ip -n backup link set eth0 up',
    'ip -n web address add 192.168.18.2/24 dev eth1',
    'ip -n web link set eth1 up',
    `ip netns exec web sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >"$f"; done'`,
    'ip -n web route replace default via 192.168.18.1',
    'ip netns exec backup iptables -A FORWARD -j DROP',
  ],
  task: 'Let outside get the page of http://203.0.113.2:8080/.',
  hints: [
    'Packets that leave are counted as TX: `ip -s link show vweb` on the host counts the request on its way to the server. Where does the answer leave the server? `ip -n web -s link`, before and after a try.',
    '`ip -n web route get 203.0.113.1` says by which door the answer leaves. Only the host knows that this ' +
      'connection was redirected. An answer that bypasses it keeps the source 192.168.15.2, and outside never asked ' +
      'that address.',
    'Either the answer goes by the host (a route on web), or the request looks as if it came from the host (masquerade, on the host, what leaves by vweb).',
  ],
  solution: [
    {
      command: 'ip -n web route replace default via 192.168.15.1',
      why: 'The conntrack entry that did the DNAT also undoes it, so answers must pass the same host.',
    },
  ],
  requirements: [pageFromOutside],
  epilogue:
    'A container on two networks has this choice of doors: Docker and minidock let one network give the default route (`network connect --gw-priority`).',
});

const hairpin = puzzle({
  name: 'puzzle-hairpin',
  title: 'Everyone but the neighbour',
  story: `Port 8080 of the host is redirected to the server. Outside gets the page. A client on the same bridge as the server
asks the same address, http://203.0.113.2:8080/, and does not.

    client 192.168.15.3 ---+--- br0 192.168.15.1 host 203.0.113.2 ---- outside
    web    192.168.15.2 ---+`,
  setup: [
    ...bridge('br0', '192.168.15.1/24'),
    'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter',
    ...['web 192.168.15.2', 'client 192.168.15.3'].flatMap((line) => {
      const [netns = '', address = ''] = line.split(' ');
      return [
        ...namespace(netns),
        ...cable({ netns, address: `${address}/24`, bridge: 'br0', gateway: '192.168.15.1' }),
      ];
    }),
    ...pageAt('web', 'the page of web'),
    forwarding(true),
    'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j MASQUERADE',
    PUBLISH,
  ],
  task: 'Let the client get the page of http://203.0.113.2:8080/, as outside does.',
  hints: [
    'Follow the answer, not the request. The server sees a request from 192.168.15.3. Which way does its answer ' +
      'take? `ip -n web route get 192.168.15.3`.',
    'It answers its neighbour directly over the switch, past the host, so nothing turns 192.168.15.2:80 back into 203.0.113.2:8080, and the client refuses an answer from a stranger (`ip netns exec client cat /proc/net/snmp`: OutRsts of Tcp grows).',
    'Make the request look as if the host had sent it: masquerade, on the host, what comes from 192.168.15.0/24 and goes to 192.168.15.2.',
  ],
  solution: [
    {
      command:
        'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -d 192.168.15.2 -p tcp --dport 80 -j MASQUERADE',
      why: 'Now the server answers the host, whose conntrack undoes both translations. The price: the server sees the address of the host in place of the client.',
    },
  ],
  requirements: [
    pageComes(
      'the client gets the page of http://203.0.113.2:8080/',
      'http://203.0.113.2:8080/',
      'the page of web',
      { from: 'client', by: 'web' },
    ),
    {
      text: "the connection goes through the host's redirection",
      holds: (host) =>
        isForwarded(
          host,
          { address: '192.168.15.2', port: 80, sentTo: { address: '203.0.113.2', port: 8080 } },
          () => host.fetch('http://203.0.113.2:8080/', { netns: 'client' }),
        ),
    },
    pageFromOutside,
  ],
  epilogue:
    "This is hairpin NAT. minidock's rule `ip saddr . oifname @homes ct status dnat masquerade` does it for neighbours alone, so clients from outside keep their address; Docker has its userland proxy, or a masquerade rule for each container.",
});

const natInterface = puzzle({
  name: 'puzzle-nat-interface',
  title: 'A stranger on the internet',
  story: `The server is to fetch a page of the internet. Its packets leave the host by eth0, 198.51.100.7 even gets them, the
masquerade rule stands there, and no answer comes.

    web 192.168.15.2 ---- host 203.0.113.2 (eth0) ---- outside (198.51.100.7)`,
  setup: [
    ...webBehindHost,
    ...pageAt('outside', 'a page of the internet'),
    'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o vweb -j MASQUERADE',
  ],
  task: 'Let web get the page of http://198.51.100.7/. Nobody out there knows 192.168.15.0/24, and nobody will.',
  hints: [
    'Which source address have the packets that leave by eth0? tcpdump on eth0 shows it; so does a counter: `nft ' +
      'add table ip look`, a chain with `hook postrouting`, a rule `oifname "eth0" ip saddr 192.168.15.2 counter`.',
    'Does the masquerade rule count anything? `iptables -t nat -nvL POSTROUTING`. Compare the interface in its `out` column with `ip route get 198.51.100.7`.',
    '-o is the interface by which the packet leaves, so it has to be eth0.',
  ],
  solution: [
    {
      command: 'iptables -t nat -R POSTROUTING 1 -s 192.168.15.0/24 -o eth0 -j MASQUERADE',
      why: "Packets that leave by eth0 get the host's address, and the internet can answer it.",
    },
  ],
  requirements: [
    pageComes('web gets the page of http://198.51.100.7/', 'http://198.51.100.7/', 'a page of the internet', {
      from: 'web',
      by: 'outside',
    }),
    noRouteBack(
      'outside still has no route to 192.168.15.2 in any table, and sees the host’s own address instead',
      '192.168.15.2',
      'web',
    ),
  ],
  epilogue:
    'Docker writes the condition the other way round: packets from the subnet that do not leave by its own ' +
    'bridge (`! -o docker0`). minidock does the same, so that no rule depends on the name of an uplink, which ' +
    'may change.',
});

export const lessons: readonly Lesson[] = [forwardDrop, dnatReturn, hairpin, natInterface];
