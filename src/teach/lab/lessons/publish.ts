/** The world comes in: the article's row 8c, on a host that drops what is forwarded. */
import type { LabHost, Lesson } from '../lesson.ts';
import { JOINED, WAY_OUT } from './joined.ts';
import { isForwarded } from './forwarded.ts';
import { CLOSED, fromPort80, nothingArrives, type Attempt } from './packets.ts';
import { pageAt, pageComes, pageStaysAway } from './scenery.ts';

const PUBLISHED = 'http://203.0.113.2:8080/';
const attempts = (from: string, to: string, address: string): readonly Attempt[] => [
  { protocol: 'tcp', from, to, address, ports: [81, ...CLOSED.tcp] },
  { protocol: 'udp', from, to, address, ports: CLOSED.udp },
  { protocol: 'icmp', from, to, address },
];
const OUTWARD = attempts('red', 'outside', '203.0.113.1');
const INWARD = attempts('outside', 'red', '192.168.15.1');

export const lessons: readonly Lesson[] = [
  {
    name: 'publish',
    group: 'host',
    title: 'The world reaches the namespace',
    story:
      'In red a web server listens on port 80. The world cannot reach 192.168.15.1, and must not: but it can reach ' +
      'the host, 203.0.113.2. So the host redirects its port 8080 to port 80 of red: this is what "-p 8080:80" ' +
      'means. On this host someone has set the policy of FORWARD to drop, as Docker and most firewalls do.',
    setup: [
      ...JOINED,
      ...WAY_OUT,
      'iptables -P FORWARD DROP',
      'mkdir -p /srv/red && echo "hello from red" >/srv/red/index.html',
      'ip netns exec red busybox httpd -p 80 -h /srv/red',
      ...pageAt('outside', 'a page of the internet'),
    ],
    steps: [
      {
        id: 'dnat',
        title: 'Another destination',
        article: ['B8c'],
        task: 'Make TCP connections that come in for the host’s port 8080 go to 192.168.15.1 port 80.',
        hints: [
          'The destination must be rewritten before the kernel decides where the packet goes: the hook PREROUTING, table nat.',
          'The target is DNAT, with --to-destination ADDRESS:PORT. It has to match -p tcp --dport 8080.',
          'iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination …',
        ],
        solution: [
          {
            command:
              'iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.1:80',
            why: 'The first packet of a connection is rewritten here; the rest of it, and the answers, follow from the kernel’s memory of connections (conntrack).',
          },
        ],
        requirements: [
          {
            text: 'a connection from outside to port 8080 of the host gets 192.168.15.1 port 80 as its destination (a rule of the check counts such packets on their way to FORWARD)',
            holds: (host) => isRedirected(host, 8080),
          },
          {
            text: 'connections to other ports of the host, such as 8081, keep their destination',
            holds: async (host) => !(await isRedirected(host, 8081)),
          },
        ],
      },
      {
        id: 'forward',
        title: 'Past the guard, there and back',
        article: ['B8c'],
        task: 'The packets have a new destination now and end at the policy of FORWARD. Let this traffic through in both directions, and nothing more: the policy stays DROP.',
        hints: [
          'Two rules: one for what goes to 192.168.15.1 port 80, one for the answers.',
          'The answers belong to a connection that is there already: -m conntrack --ctstate RELATED,ESTABLISHED. ("-m state --state", as in the article, is the older way to say so.)',
          'iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -m conntrack --ctstate NEW,ESTABLISHED,RELATED -j ACCEPT, and one with -s and --sport for the way back.',
        ],
        solution: [
          {
            command:
              'iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -m conntrack --ctstate NEW,ESTABLISHED,RELATED -j ACCEPT',
            why: 'FORWARD sees the packet after DNAT, with the namespace’s address and port.',
          },
          {
            command:
              'iptables -A FORWARD -s 192.168.15.1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
            why: 'The way back. The article has no such rule, since it takes a policy of accept for granted.',
          },
          {
            command:
              'ip netns exec outside curl -s --max-time 3 http://203.0.113.2:8080/ || ip netns exec outside busybox wget -qO- http://203.0.113.2:8080/',
            why: 'From outside, to the host’s address and port: the page is red’s.',
          },
        ],
        requirements: [
          pageComes('outside gets red’s page from http://203.0.113.2:8080/', PUBLISHED, 'hello from red', {
            from: 'outside',
            by: 'red',
          }),
          {
            text: 'the policy of FORWARD is still DROP',
            holds: async (host) =>
              (await host.run(['iptables', '-S', 'FORWARD'])).stdout.includes('-P FORWARD DROP'),
          },
          nothingArrives(
            'nothing else passes: the host still drops what red begins, over ICMP, TCP and UDP',
            OUTWARD,
          ),
          pageStaysAway(
            'red does not get http://203.0.113.1/, and the host does',
            'http://203.0.113.1/',
            'red',
          ),
          {
            text: 'no packet reaches another port of red, also none from port 80, although the sender has a route there',
            holds: stayClosed,
          },
        ],
      },
    ],
    epilogue:
      'With "-p 8080:80" Docker and minidock do the same two things. In one they are more careful: they redirect ' +
      'only packets for an address of this host. The rule here also takes packets that pass through to port 8080 ' +
      'of another machine (see the lesson article-greedy-dnat). Next: more than two namespaces talk ("minidock ' +
      'lab start bridge").',
  },
];

/** Any rule may do it: the check reads the packet's destination just before the host forwards it. */
const isRedirected = (host: LabHost, port: number): Promise<boolean> =>
  isForwarded(host, { address: '192.168.15.1', port: 80, sentTo: { address: '203.0.113.2', port } }, () =>
    host.run(['timeout', '1', 'bash', '-c', `: </dev/tcp/203.0.113.2/${String(port)}`], { netns: 'outside' }),
  );

/** Other machines on the uplink can send packets for red to the host; during the check outside does. */
async function stayClosed(host: LabHost): Promise<boolean> {
  const way = ['192.168.15.1', 'via', '203.0.113.2'];
  const added = await host.run(['ip', 'route', 'add', ...way], { netns: 'outside' });
  try {
    return await fromPort80(host, { netns: 'outside', address: '192.168.15.1' }, () =>
      nothingArrives('', INWARD).holds(host),
    );
  } finally {
    if (added.status === 0) await host.run(['ip', 'route', 'del', ...way], { netns: 'outside' });
  }
}
