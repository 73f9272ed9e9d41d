/** The article's old tools (point E5): `arp -n` and `-m state`, and what their successors can do. */
import type { Lesson } from '../../lesson.ts';
import { redAndBlue } from './cables.ts';
import { cable, forwarding, knowsWay, pageAt, pageComes, pageStaysAway } from '../scenery.ts';

const PUBLISHED = 'http://203.0.113.2:8080/';

export const lessons: readonly Lesson[] = [
  {
    name: 'article-old-spellings',
    group: 'article',
    title: 'What do arp -n and -m state leave out?',
    story: `\`arp\` is part of net-tools, which many systems no longer install; \`-m state\` is kept by iptables as an older name for a
part of \`-m conntrack\`. Both still work where they exist, and both say less than their successors.

    # iptables -A FORWARD -m state --state DNAT -j ACCEPT
    iptables v1.8.11 (nf_tables): Bad state "DNAT"

    red 192.168.15.1 veth-red ---- veth-blue 192.168.15.2 blue

In the second step red hangs on the host as well, by 192.168.16.1.`,
    setup: [
      'ip link add veth-red type veth peer name veth-blue address 02:00:00:00:00:02',
      ...redAndBlue.slice(1),
      ...cable({
        netns: 'red',
        outside: 'veth-host',
        inside: 'veth-ns',
        address: '192.168.16.1/24',
        hostAddress: '192.168.16.10/24',
        gateway: '192.168.16.10',
      }),
      ...pageAt('red', 'the page of red'),
      forwarding(true),
      'ip -n outside route add 192.168.16.0/24 via 203.0.113.2',
      'iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.168.16.1:80',
      'iptables -P FORWARD DROP',
      'iptables -A FORWARD -p tcp -d 192.168.16.1 --dport 80 -m state --state NEW,ESTABLISHED,RELATED -j ACCEPT',
      'iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      'ip netns exec red ping -c 1 -W 1 192.168.15.2 || true',
      'ip netns exec red ping -c 1 -W 1 192.168.15.77 || true',
    ],
    steps: [
      {
        id: 'neigh',
        title: 'Neighbours with ip neigh',
        task: "Red remembers blue, and that nobody had 192.168.15.77. Pin blue's entry so that it never expires, and let red forget the other.",
        hints: [
          '`ip -n red neigh` shows what `arp -n` showed, and the state of each entry besides: REACHABLE, STALE, INCOMPLETE, FAILED, PERMANENT.',
          "`ip neigh replace ADDRESS lladdr MAC dev DEVICE nud permanent` pins; blue's MAC address is in `ip -n blue -br link`.",
          'ip -n red neigh replace 192.168.15.2 lladdr 02:00:00:00:00:02 dev veth-red nud permanent; ip -n red neigh del 192.168.15.77 dev veth-red',
        ],
        solution: [
          {
            command:
              'ip -n red neigh replace 192.168.15.2 lladdr 02:00:00:00:00:02 dev veth-red nud permanent',
            why: 'A permanent entry is used without asking. `ip -n` also saves `ip netns exec`, which starts a program in the namespace.',
          },
          {
            command: 'ip -n red neigh del 192.168.15.77 dev veth-red',
            why:
              'A failed entry only records that nobody answered; `arp -n` prints (incomplete), whether the kernel ' +
              'still asks or has given up.',
          },
        ],
        requirements: [
          {
            text: "red's entry for 192.168.15.2 at veth-red is permanent and has blue's MAC address",
            holds: async (host) => {
              const [blue] = await host.ip(['link', 'show', 'veth-blue'], 'blue');
              const entries = await host.ip(
                ['neigh', 'show', 'to', '192.168.15.2', 'dev', 'veth-red', 'nud', 'permanent'],
                'red',
              );
              return blue !== undefined && entries.some(({ lladdr }) => lladdr === blue['address']);
            },
          },
          {
            text: 'red has no entry for 192.168.15.77',
            holds: async (host) =>
              (await host.ip(['neigh', 'show', 'to', '192.168.15.77', 'nud', 'all'], 'red')).length === 0,
          },
        ],
        article: ['E5'],
      },
      {
        id: 'state',
        title: 'What conntrack knows and state cannot say',
        task: `Outside gets red's page at ${PUBLISHED}, and also at http://192.168.16.1/ directly, since it knows the way. Close the direct way, on the host, and keep the published port.`,
        hints: [
          'In FORWARD both look alike: the destination is already 192.168.16.1:80. But conntrack remembers which connection was redirected.',
          '`-m conntrack --ctstate DNAT` matches connections whose destination was translated. `-m state` does not know the word.',
          'iptables -R FORWARD 1 -p tcp -d 192.168.16.1 --dport 80 -m conntrack --ctstate DNAT -j ACCEPT',
        ],
        solution: [
          {
            command:
              'iptables -R FORWARD 1 -p tcp -d 192.168.16.1 --dport 80 -m conntrack --ctstate DNAT -j ACCEPT',
            why: 'Only what came by the published port passes. `-m conntrack` has every word of `-m state` and, among others, DNAT and SNAT.',
          },
        ],
        requirements: [
          pageComes(`outside gets the page of red at ${PUBLISHED}`, PUBLISHED, 'the page of red', {
            from: 'outside',
            by: 'red',
          }),
          {
            text: 'outside still has a route to 192.168.16.1 and sends there: the host must close it',
            holds: (host) => knowsWay(host, '192.168.16.1', [80]),
          },
          pageStaysAway('outside does not get http://192.168.16.1/', 'http://192.168.16.1/', 'outside'),
        ],
        article: ['E5'],
      },
    ],
    epilogue:
      'Docker writes `-m conntrack --ctstate`. minidock uses `ct state` and `ct status dnat` of nftables (or `-m ' +
      'conntrack` with --firewall iptables), so that only published ports lead to a container; neither of the ' +
      'two calls arp.',
  },
];
