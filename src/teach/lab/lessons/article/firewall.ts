/**
 * Where the article's rules fail (points E3 and E4): a redirection that catches strangers and misses the host itself,
 * and a filter that is open one way.
 */
import type { Lesson, Requirement } from '../../lesson.ts';
import { acceptsOnlyRequests, answerDropped, staysClosed } from './one-way-checks.ts';
import { CLOSED, counterOf } from '../packets.ts';
import { cable, forwarding, knowsWay, namespace, pageAt, pageComes, pageStaysAway } from '../scenery.ts';

const redBehindHost = [
  ...namespace('red'),
  ...cable({
    netns: 'red',
    outside: 'veth-host',
    inside: 'veth-ns',
    address: '192.168.15.1/24',
    hostAddress: '192.168.15.10/24',
    gateway: '192.168.15.10',
  }),
  ...pageAt('red', 'the page of red'),
  forwarding(true),
  'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j MASQUERADE',
];

const PUBLISH_AS_WRITTEN =
  'iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.1:80';
/** As `iptables -S` prints it. */
const RULE_AS_WRITTEN = '-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.168.15.1:80';
const ACCEPT_AS_WRITTEN =
  'iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -m state --state NEW,ESTABLISHED,RELATED -j ACCEPT';
/** Another machine on the uplink's wire that sends packets for red to the host, as every machine there can. */
const OUTSIDE_KNOWS_THE_WAY = 'ip -n outside route add 192.168.15.0/24 via 203.0.113.2';

const PUBLISHED = 'http://203.0.113.2:8080/';
const outsideGetsRed = pageComes(
  `outside gets the page of red at ${PUBLISHED}`,
  PUBLISHED,
  'the page of red',
  { from: 'outside', by: 'red' },
);
const ELSEWHERE = 'http://198.51.100.7:8080/';
const greenGetsElsewhere: Requirement = pageComes(
  `green gets the other machine's page at ${ELSEWHERE}`,
  ELSEWHERE,
  'somebody else',
  { from: 'green', by: 'outside' },
);

/** A second one: an exception for a single machine is no answer. */
const NEXT_DOOR = 'http://203.0.113.1:8080/';
const greenGetsNextDoor: Requirement = pageComes(
  `green gets the page of any machine, such as ${NEXT_DOOR}`,
  NEXT_DOOR,
  'somebody else',
  { from: 'green', by: 'outside' },
);

/** Nor is one for a single sender. */
const redGetsElsewhere: Requirement = pageComes(
  `red gets the other machine's page at ${ELSEWHERE}, as green does`,
  ELSEWHERE,
  'somebody else',
  { from: 'red', by: 'outside' },
);

const greedyDnat: Lesson = {
  name: 'article-greedy-dnat',
  group: 'article',
  title: "Why does green get red's page, and the host none?",
  story: `The article's step 8c redirects port 8080 to red. Its rule names no destination, so it takes every packet for any
port 8080 that comes by, also from green on its way to somebody else. And it is in PREROUTING, where nothing passes
that the host itself sends.

    red   192.168.15.1 ---- 192.168.15.10 host --- eth0 203.0.113.2 --- outside
    green 192.168.16.1 ---- 192.168.16.10 host       (198.51.100.7:8080, somebody else)

    # ip netns exec green busybox wget -qO- http://198.51.100.7:8080/
    the page of red
    # busybox wget -qO- http://localhost:8080/
    wget: can't connect to remote host (127.0.0.1): Connection refused`,
  setup: [
    ...redBehindHost,
    ...namespace('green'),
    ...cable({
      netns: 'green',
      address: '192.168.16.1/24',
      hostAddress: '192.168.16.10/24',
      gateway: '192.168.16.10',
    }),
    'iptables -t nat -A POSTROUTING -s 192.168.16.0/24 -o eth0 -j MASQUERADE',
    ...pageAt('outside', 'the page of somebody else', '198.51.100.7:8080'),
    ...pageAt('outside', 'the page of somebody else', '203.0.113.1:8080'),
    PUBLISH_AS_WRITTEN,
    ACCEPT_AS_WRITTEN,
  ],
  steps: [
    {
      id: 'see',
      title: 'See it catch a stranger',
      task: `Fetch ${ELSEWHERE} from green and see the redirection count it.`,
      hints: [
        'Each rule counts what it matched; in the nat table that is the first packet of each connection.',
        '`iptables -t nat -nvL PREROUTING` before and after.',
        `ip netns exec green busybox wget -qO- ${ELSEWHERE}; iptables -t nat -nvL PREROUTING`,
      ],
      solution: [
        {
          command: `ip netns exec green busybox wget -qO- ${ELSEWHERE}; iptables -t nat -nvL PREROUTING`,
          why: "The packet was for 198.51.100.7 and only passed through; the rule asks for the port alone. Green reads red's page and cannot know.",
        },
      ],
      requirements: [
        {
          text: 'the redirection has taken a connection of green (or leaves green alone by now)',
          holds: async (host) => {
            const { stdout } = await host.run(['iptables', '-t', 'nat', '-nvxL', 'PREROUTING']);
            const counted = /^\s*[1-9]\d*\s+\d+\s+DNAT\b/m.test(stdout);
            // Green's own counter, since the rule also counts what comes from outside, as it should.
            if (counted && (await counterOf(host, 'Tcp', 'ActiveOpens', 'green')) > 0) return true;
            // While the rule is unchanged this check sends nothing, because the rule would count its packet.
            const rules = await host.run(['iptables', '-t', 'nat', '-S', 'PREROUTING']);
            return !rules.stdout.split('\n').includes(RULE_AS_WRITTEN) && greenGetsElsewhere.holds(host);
          },
        },
      ],
      article: ['E3'],
    },
    {
      id: 'local',
      title: 'Only what is for this host',
      task: "Let green, and red itself, get the page of each other machine, while outside still gets red's at port 8080 of the host.",
      hints: [
        'The rule needs a destination: an address of this host, whichever it is.',
        'iptables asks that with `-m addrtype --dst-type LOCAL`, nftables with `fib daddr type local`. (`-d 203.0.113.2` works for this one address.)',
        'iptables -t nat -R PREROUTING 1 -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 192.168.15.1:80',
      ],
      solution: [
        {
          command:
            'iptables -t nat -R PREROUTING 1 -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 192.168.15.1:80',
          why: 'Local means: the kernel would deliver it to this host, at any of its addresses.',
        },
      ],
      requirements: [greenGetsElsewhere, greenGetsNextDoor, redGetsElsewhere, outsideGetsRed],
      article: ['E3'],
    },
    {
      id: 'own',
      title: "The host's own connections",
      task:
        "Let the host get red's page at http://203.0.113.2:8080/ and at http://127.0.0.1:8080/. Connections to " +
        'port 8080 of other machines still go there.',
      hints: [
        'What the host sends begins in the hook output, not in prerouting: the same redirection is needed there.',
        'From 127.0.0.1 two more things stand in the way: the kernel lets no packet with a loopback address out of another interface (route_localnet), and red could not answer 127.0.0.1, which is itself.',
        'OUTPUT: the same rule, the destination LOCAL here too; /proc/sys/net/ipv4/conf/veth-host/route_localnet: 1; POSTROUTING: masquerade what comes from 127.0.0.0/8 and leaves by veth-host.',
      ],
      solution: [
        {
          command:
            'iptables -t nat -A OUTPUT -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 192.168.15.1:80',
          why: 'OUTPUT is where packets of the host itself get their new destination.',
        },
        {
          command: 'echo 1 >/proc/sys/net/ipv4/conf/veth-host/route_localnet',
          why: 'Packets from 127.0.0.1 may leave by this one interface. Without it they are dropped as forged.',
        },
        {
          command: 'iptables -t nat -A POSTROUTING -s 127.0.0.0/8 -o veth-host -j MASQUERADE',
          why: 'Red gets a sender it can answer.',
        },
      ],
      requirements: [
        pageComes(`the host gets the page of red at ${PUBLISHED}`, PUBLISHED, 'the page of red', {
          by: 'red',
        }),
        pageComes(
          'the host gets the page of red at http://127.0.0.1:8080/',
          'http://127.0.0.1:8080/',
          'the page of red',
          { by: 'red' },
        ),
        pageComes(
          "connections of the host to other machines stay as they are: it gets the other machine's page at " +
            `${ELSEWHERE}`,
          ELSEWHERE,
          'somebody else',
          { by: 'outside' },
        ),
        pageComes(`of any machine, such as ${NEXT_DOOR}`, NEXT_DOOR, 'somebody else', { by: 'outside' }),
        greenGetsElsewhere,
        outsideGetsRed,
      ],
      article: ['E3'],
    },
  ],
  epilogue:
    'Docker redirects only LOCAL destinations, in PREROUTING and OUTPUT, and leaves 127.0.0.0/8 to a proxy process for each port. minidock has no such process: route_localnet on its bridge alone, a masquerade for 127.0.0.0/8, and a rule in raw that drops such packets when they come from the wire.',
};

const oneWay: Lesson = {
  name: 'article-one-way-forward',
  group: 'article',
  title: 'Why does the page not come back?',
  story: `The article opens FORWARD for packets to red, port 80. Where the policy of FORWARD is ACCEPT the rule alters nothing;
here it is DROP, as Docker and many firewalls set it, and the rule is all there is.

    outside ---- 203.0.113.2:8080 host ---- 192.168.15.1:80 red

    # ip netns exec outside busybox wget -T 3 -qO- http://203.0.113.2:8080/
    wget: download timed out`,
  setup: [
    ...redBehindHost,
    ...pageAt('red', 'another page of red', '81'),
    OUTSIDE_KNOWS_THE_WAY,
    PUBLISH_AS_WRITTEN,
    ACCEPT_AS_WRITTEN,
    'iptables -P FORWARD DROP',
  ],
  steps: [
    {
      id: 'see',
      title: 'See the answer dropped',
      task: `Fetch ${PUBLISHED} from outside, and see in the counters of FORWARD what became of the answer.`,
      hints: [
        '`iptables -nvL FORWARD` counts what each rule matched, and in the first line what the policy took.',
        `ip netns exec outside busybox wget -T 1 -qO- ${PUBLISHED}; iptables -nvL FORWARD`,
      ],
      solution: [
        {
          command: `ip netns exec outside busybox wget -T 1 -qO- ${PUBLISHED}; iptables -nvL FORWARD`,
          why: 'The rule accepts the request. The answer has red as its source, not as its destination; no rule matches, and the policy drops it.',
        },
      ],
      requirements: [
        {
          text: 'the policy of FORWARD has dropped an answer (or the page comes by now)',
          holds: async (host) => {
            if (await answerDropped(host)) return true;
            // A packet of this check would be counted, too. No answer passes rules that accept only what is for red.
            if (await acceptsOnlyRequests(host, RULE_AS_WRITTEN)) return false;
            if (await outsideGetsRed.holds(host)) return true;
            // Reset the counter, or the next check takes this one's packet for the learner's.
            await host.run(['iptables', '-Z', 'FORWARD']);
            return false;
          },
        },
      ],
      article: ['E4'],
    },
    {
      id: 'mend',
      title: 'Let the answers out',
      task:
        "Let outside get the page at port 8080. Everything that is not published stays closed to it, red's port 81 " +
        'and all others, although outside has a route there.',
      hints: [
        'Do not match "from port 80": match answers. conntrack knows which packets belong to an accepted ' +
          'connection.',
        'iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      ],
      solution: [
        {
          command: 'iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
          why:
            'Packets of an accepted connection may pass, in both directions; new connections still need their own ' +
            'rule.',
        },
      ],
      requirements: [
        outsideGetsRed,
        {
          text: 'outside still has a route to 192.168.15.1 and sends there: the host must close it',
          holds: (host) => knowsWay(host, '192.168.15.1', [81, ...CLOSED.tcp]),
        },
        pageStaysAway('outside does not get http://192.168.15.1:81/', 'http://192.168.15.1:81/', 'outside'),
        {
          text: 'no packet from outside reaches another port of red, also none from port 80',
          holds: staysClosed,
        },
      ],
      article: ['E4'],
    },
  ],
  epilogue:
    "Docker sets FORWARD to DROP itself and has a rule for RELATED,ESTABLISHED towards docker0 and one for everything from it. minidock's first rule for its bridges is `ct state established,related accept`; it leaves the policy alone.",
};

export const lessons: readonly Lesson[] = [greedyDnat, oneWay];
