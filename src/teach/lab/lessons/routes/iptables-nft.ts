/** The same published port written for iptables and for nft, and what only nft has: a map. Real packets judge both. */
import type { LabHost, Lesson, Requirement } from '../../lesson.ts';
import { JOINED } from '../joined.ts';
import { allArrive, CLOSED, nothingArrives, type Attempt } from '../packets.ts';
import { forwarding, pageAt, pageComes } from '../scenery.ts';

const published = (port: number, sentence: string): Requirement =>
  pageComes(
    `outside gets ${sentence} from http://203.0.113.2:${String(port)}/`,
    `http://203.0.113.2:${String(port)}/`,
    sentence,
    {
      from: 'outside',
      by: 'red',
    },
  );

const wayOut = pageComes('red gets http://198.51.100.7/', 'http://198.51.100.7/', 'a page of the internet', {
  from: 'red',
  by: 'outside',
});

/** Port 8080 of others, too: the redirection is about an address of this host. */
const outward = { from: 'red', to: 'outside', address: '198.51.100.7' } as const;
const everyWayOut = allArrive('red keeps its way out to all ports of others, 8080 too, over TCP and UDP', [
  { ...outward, protocol: 'tcp', ports: [8080, 8081, ...CLOSED.tcp] },
  { ...outward, protocol: 'udp', ports: CLOSED.udp },
]);

/** Neither a rule nor a policy, in whichever table. */
const noIptables: Requirement = {
  text: 'iptables has no rule any more, and each of its chains has the policy ACCEPT (iptables-save)',
  holds: async (host) => {
    const { status, stdout } = await host.run(['iptables-save']);
    return status === 0 && !/^(-A|:\S+ DROP)/m.test(stdout);
  },
};

const attempt = { from: 'outside', to: 'red', address: '192.168.15.1' } as const;
const closed: Requirement = {
  text: 'nothing else that the outside begins arrives in red, although it has a route there',
  holds: async (host) => {
    const way = ['192.168.15.1', 'via', '203.0.113.2'];
    const added = await host.run(['ip', 'route', 'add', ...way], { netns: 'outside' });
    const attempts: readonly Attempt[] = [
      { ...attempt, protocol: 'tcp', ports: [90, ...CLOSED.tcp] },
      { ...attempt, protocol: 'udp', ports: CLOSED.udp },
      { ...attempt, protocol: 'icmp' },
    ];
    try {
      return await nothingArrives('', attempts).holds(host);
    } finally {
      if (added.status === 0) await host.run(['ip', 'route', 'del', ...way], { netns: 'outside' });
    }
  },
};

/** How many rules of nft have a certain statement; iptables' own are "xt" there. */
async function rulesWith(host: LabHost, word: string): Promise<number> {
  const { stdout } = await host.run(['nft', '-j', 'list', 'ruleset']);
  const { nftables } = JSON.parse(stdout) as {
    nftables: readonly { rule?: { expr: readonly Record<string, unknown>[] } }[];
  };
  return nftables.filter(({ rule }) => rule?.expr.some((part) => word in part)).length;
}

const OWN = `nft -f - <<'RULES'
table ip own {
  chain inward {
    type nat hook prerouting priority dstnat;
    ip daddr 203.0.113.2 tcp dport 8080 dnat to 192.168.15.1:80
  }
  chain guard {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "veth-host" accept
    oifname "veth-host" ct status dnat accept
  }
  chain outward {
    type nat hook postrouting priority srcnat;
    ip saddr 192.168.15.0/24 oifname "eth0" masquerade
  }
}
RULES`;

const iptablesNft: Lesson = {
  name: 'iptables-nft',
  group: 'host',
  title: 'iptables next to nft',
  story:
    'Two programs write the rules of the kernel’s packet filter. iptables has tables and chains with fixed names, ' +
    'and takes a line a rule. nft has only those you make, takes a whole file at once, and knows sets and maps. On ' +
    'this host iptables has published port 80 of red as 8080, as Docker does by default. `iptables-save` prints ' +
    'its rules; where iptables is the newer kind, `nft list ruleset` prints the same ones in nft’s words.',
  setup: [
    ...JOINED,
    'ip -n red route add default via 192.168.15.10',
    forwarding(true),
    ...pageAt('red', 'page one'),
    ...pageAt('red', 'page two', '81'),
    ...pageAt('red', 'page three', '82'),
    ...pageAt('outside', 'a page of the internet'),
    'iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.1:80',
    'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j MASQUERADE',
    'iptables -P FORWARD DROP',
    'iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'iptables -A FORWARD -i veth-host -j ACCEPT',
    'iptables -A FORWARD -o veth-host -d 192.168.15.1 -p tcp --dport 80 -j ACCEPT',
  ],
  steps: [
    {
      id: 'translate',
      title: 'From one to the other',
      task:
        'Do the same with nft, in a table of your own, and remove what iptables has: its rules and its policy DROP. ' +
        'Port 8080 stays published, red keeps its way out, and nothing else comes in.',
      hints: [
        'A chain of your own for each of prerouting (type nat), forward (type filter, policy drop) and postrouting (type nat).',
        '-j DNAT --to-destination A:P is "dnat to A:P", -m conntrack --ctstate is "ct state", -i and -o are iifname and oifname. `iptables-translate` prints a rule in nft’s words.',
        'nft -f FILE; then iptables -P FORWARD ACCEPT; iptables -F; iptables -t nat -F',
      ],
      solution: [
        {
          command: OWN,
          why: 'The file is one transaction: all of it holds from one moment on, or none. "ct status dnat" accepts what the first chain has redirected, whatever it is: no port needs to be named twice.',
        },
        {
          command: 'iptables -P FORWARD ACCEPT; iptables -F; iptables -t nat -F',
          why: 'Both sets held until here, and a packet had to pass both.',
        },
        { command: 'iptables-save; nft list table ip own', why: 'Empty chains here, three chains there.' },
      ],
      requirements: [noIptables, published(8080, 'page one'), wayOut, everyWayOut, closed],
    },
    {
      id: 'map',
      title: 'One rule for many ports',
      task:
        'Publish two more: 8081 is port 81 of red, 8082 is port 82. All three by one single rule with dnat: it looks ' +
        'the port up in a map.',
      hints: [
        'A map has a key and a value: { 8080 : 192.168.15.1 . 80, … }. A rule says what to look up: tcp dport map …',
        'With a name, the map can change while the rule stays: map ports { type inet_service : ipv4_addr . inet_service; }',
        'nft add rule ip own inward ip daddr 203.0.113.2 dnat ip to tcp dport map @ports',
      ],
      solution: [
        {
          command:
            "nft 'flush chain ip own inward; add map ip own ports { type inet_service : ipv4_addr . inet_service; elements = { 8080 : 192.168.15.1 . 80, 8081 : 192.168.15.1 . 81, 8082 : 192.168.15.1 . 82 }; }; add rule ip own inward ip daddr 203.0.113.2 dnat ip to tcp dport map @ports'",
          why: 'Of iptables’ rules the kernel tries one after the other, four thousand for four thousand ports. A map is a hash table: one look-up, however many there are.',
        },
        {
          command: 'nft list map ip own ports',
          why: 'A new port is "nft add element", and the rule does not change.',
        },
      ],
      requirements: [
        {
          text: 'exactly one rule of nft has dnat',
          holds: async (host) => (await rulesWith(host, 'dnat')) === 1,
          found: async (host) => `${String(await rulesWith(host, 'dnat'))} rules`,
        },
        noIptables,
        published(8080, 'page one'),
        published(8081, 'page two'),
        published(8082, 'page three'),
        wayOut,
        everyWayOut,
        closed,
      ],
    },
  ],
  epilogue:
    'Docker writes iptables’ rules (since version 29 nft’s, if asked to), minidock a table of its own with two such ' +
    'maps; `--firewall=iptables` makes it write the classic rules. `minidock run --explain -p 8080:80` shows the ' +
    'other form beside each.',
};

export const lessons: readonly Lesson[] = [iptablesNft];
