/** The world comes in: the article's row 8c, on a host that drops what is forwarded. */
import type { LabHost, Lesson } from '../lesson.ts';
import { JOINED, WAY_OUT } from './joined.ts';
import { pageAt, pageStaysAway } from './scenery.ts';

export const lessons: readonly Lesson[] = [
  {
    name: 'publish',
    group: 'host',
    title: 'The world reaches the namespace',
    story: `In red a web server listens on port 80. The world cannot reach 192.168.15.1, and must not: but it can reach the host, 203.0.113.2. So the host takes port 8080 and hands it on to red, port 80: this is what "-p 8080:80" means. On this host someone has set the policy of FORWARD to drop, as Docker and most firewalls do.`,
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
            text: 'a connection from outside to port 8080 is sent on to 192.168.15.1 port 80 (the kernel’s table of connections shows it)',
            holds: (host) => isRedirected(host),
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
            why: 'FORWARD sees the packet after DNAT: so it is the namespace’s address and port that count here.',
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
          {
            text: 'outside gets red’s page from http://203.0.113.2:8080/',
            holds: async (host) =>
              (await host.fetch('http://203.0.113.2:8080/', { netns: 'outside' }))?.includes(
                'hello from red',
              ) === true,
          },
          {
            text: 'the policy of FORWARD is still DROP',
            holds: async (host) =>
              (await host.run(['iptables', '-S', 'FORWARD'])).stdout.includes('-P FORWARD DROP'),
          },
          {
            text: 'nothing more passes: a ping that red begins is still dropped',
            holds: async (host) => !(await host.ping('203.0.113.1', { netns: 'red' })),
          },
          pageStaysAway(
            'nor does a connection that red begins: it does not get http://203.0.113.1/',
            'http://203.0.113.1/',
            'red',
          ),
        ],
      },
    ],
    epilogue:
      'With "-p 8080:80" Docker and minidock do the same two things. They are more careful in one: only packets for an address of this host are redirected, while the rule here also takes those that merely pass through to port 8080 of someone else (a lesson of the section on the article’s shortfalls). Next: more than two want to talk ("minidock lab start bridge").',
  },
];

/** Whether red is asked when outside asks the host: its connection table tells, whatever the kind of rule. */
async function isRedirected(host: LabHost): Promise<boolean> {
  const received = async (): Promise<number> => {
    const { stdout } = await host.run(['iptables', '-w', '-L', 'FORWARD', '-v', '-x', '-n']);
    return Number(/policy \w+ (\d+) packets/.exec(stdout)?.[1] ?? 0);
  };
  const answered = async (): Promise<boolean> =>
    (await host.fetch('http://203.0.113.2:8080/', { netns: 'outside' })) !== undefined;
  const before = await received();
  return (await answered()) || (await received()) > before;
}
