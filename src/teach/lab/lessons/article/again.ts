/**
 * The article's step 8 creates namespaces that exist already (point E6): what stays when a namespace in use is
 * deleted.
 */
import type { Lesson, LabHost } from '../../lesson.ts';
import { redAndBlue } from './cables.ts';
import { areEnds, hasNetns } from '../looks.ts';
import { addressesOf, pageAt, pings } from '../scenery.ts';

/** Tells the first red from any later one, whose setting is the kernel's default; nothing in the lesson depends on it. */
const MARKED = '/proc/sys/net/ipv4/tcp_fin_timeout';
const MARK = '61';

export const lessons: readonly Lesson[] = [
  {
    name: 'article-namespace-exists',
    group: 'article',
    title: 'Why can red not be made again?',
    story: `Steps 1 to 7 of the article are done, and in red a small web server runs. Its step 8 begins by making red again:

    # ip netns add red
    Cannot create namespace file "/run/netns/red": File exists

A script with \`set -e\` ends here; without it, what follows lands in the red that has a cable and an address already.
The article's advice is to delete and recreate. That, too, has a catch.

    red 192.168.15.1 (a server runs here) ---- 192.168.15.2 blue`,
    setup: [
      ...redAndBlue,
      ...pageAt('red', 'the page of red'),
      `ip netns exec red sh -c 'echo ${MARK} >${MARKED}'`,
    ],
    steps: [
      {
        id: 'recreate',
        title: 'Delete and recreate',
        task: 'Do as the article says: make a new namespace red without the old cable in it.',
        hints: [
          '`ip netns` also has a verb that removes.',
          '`ip netns delete`, then `add`.',
          'ip netns delete red; ip netns add red',
        ],
        solution: [
          {
            command: 'ip netns delete red; ip netns add red',
            why: 'A name below /run/netns is a file on which the namespace is mounted; the name can be taken again once it is unmounted and removed.',
          },
        ],
        requirements: [
          {
            text: 'there is a namespace red, and veth-red is not in it',
            holds: async (host) => {
              const links = await host.ip(['link', 'show'], 'red');
              return (await hasNetns(host, 'red')) && links.every(({ ifname }) => ifname !== 'veth-red');
            },
          },
          {
            text: 'it is a new one, not the old one emptied',
            holds: async (host) => {
              const { status, stdout } = await host.run(['cat', MARKED], { netns: 'red' });
              return status === 0 && stdout.trim() !== MARK;
            },
          },
        ],
        article: ['E6'],
      },
      {
        id: 'ghost',
        title: 'What still lives',
        task: 'Something of the old red is left and has no name any more. Find it and remove it, with its cable.',
        hints: [
          'veth-blue would be gone if its other end were gone. Is it? `ip -n blue -br link`. Does blue still ping ' +
            '192.168.15.1? Who answers?',
          '`ip netns delete` takes only the name. A namespace lives as long as a process is in it: `lsns -t net` shows one that has processes and no name.',
          'End the web server: `kill` its PID as `lsns -t net` shows it.',
        ],
        solution: [
          {
            command: "kill $(lsns -n -r -l -t net -o PID,COMMAND | sed -n 's/ busybox.*//p')",
            why: 'With its last process the namespace ends, with it veth-red, and with one end of a veth pair the other: veth-blue goes too.',
          },
        ],
        requirements: [
          {
            text: 'every process is in the network namespace of the host, red, blue or outside',
            holds: (host) => everyNamespaceIsKnown(host),
          },
          {
            text: 'blue has no cable any more that leads nowhere else',
            holds: async (host) => {
              const links = await host.ip(['link', 'show', 'type', 'veth'], 'blue');
              for (const { ifname } of links) {
                if (!(await leadsToKnown(host, String(ifname)))) return false;
              }
              return true;
            },
          },
        ],
        article: ['E6'],
      },
      {
        id: 'cable',
        title: "The article's step 8a, now for real",
        task: 'Connect the host (192.168.15.10/24) and the new red (192.168.15.1/24) by a cable of their own.',
        hints: [
          'As in the first lesson: a pair, one end moved, addresses, both up.',
          'ip link add veth-host type veth peer name veth-ns netns red',
          'Addresses on veth-host and, inside red, on veth-ns; then both up.',
        ],
        solution: [
          {
            command: 'ip link add veth-host type veth peer name veth-ns netns red',
            why: 'The second end may be made in its namespace at once; it need not be moved.',
          },
          {
            command: 'ip address add 192.168.15.10/24 dev veth-host; ip link set veth-host up',
            why: 'The end of the host.',
          },
          {
            command: 'ip -n red address add 192.168.15.1/24 dev veth-ns; ip -n red link set veth-ns up',
            why: 'The end of red: now the only interface there with this subnet.',
          },
        ],
        requirements: [
          {
            text: 'red has 192.168.15.1, once',
            holds: (host) => holdsAddress(host),
          },
          {
            text: 'it is at the far end of a cable to the host, whose own end has 192.168.15.10/24',
            holds: (host) => joinsHost(host),
          },
          pings('the host pings 192.168.15.1', '192.168.15.1', { by: 'red' }),
        ],
        article: ['E6'],
      },
    ],
    epilogue:
      "Docker and minidock name a namespace after its container's id. No id is used twice, so no name exists " +
      'already. On removal they first end the processes (PID 1 of the container, and with it its PID namespace), ' +
      'then remove the name. After a crash minidock finds in its journal what is left, and undoes it.',
  },
];

async function holdsAddress(host: LabHost): Promise<boolean> {
  const addresses = await addressesOf(host, 'red');
  return addresses.filter(({ address }) => address === '192.168.15.1').length === 1;
}

/** Compares inodes of namespaces: those of all processes with those of the names and of the host. */
async function everyNamespaceIsKnown(host: LabHost): Promise<boolean> {
  const script = `
    known=" $(stat -Lc %i /run/netns/red /run/netns/blue /run/netns/outside /proc/self/ns/net | tr '\\n' ' ')"
    for namespace in /proc/[0-9]*/ns/net; do
      inode=$(stat -Lc %i "$namespace" 2>/dev/null) || continue
      case $known in *" $inode "*) ;; *) exit 1 ;; esac
    done`;
  return (await host.run(['sh', '-c', script])).status === 0;
}

/** A veth of blue whose other end is on the host or in red. */
async function leadsToKnown(host: LabHost, link: string): Promise<boolean> {
  for (const where of [[], ['red']] as const) {
    for (const { ifname } of await host.ip(['link', 'show', 'type', 'veth'], where[0])) {
      if (await areEnds(host, [link, 'blue'], [String(ifname), ...where])) return true;
    }
  }
  return false;
}

async function joinsHost(host: LabHost): Promise<boolean> {
  const holders = async (wanted: string, netns?: string): Promise<readonly string[]> => {
    const links = await host.ip(['-4', 'address', 'show', 'to', `${wanted.split('/')[0] ?? ''}/32`], netns);
    const isWanted = (info: { local?: string; prefixlen?: number }): boolean =>
      `${String(info.local)}/${String(info.prefixlen)}` === wanted;
    return links
      .filter((link) =>
        ((link['addr_info'] ?? []) as readonly { local?: string; prefixlen?: number }[]).some(isWanted),
      )
      .map(({ ifname }) => String(ifname));
  };
  const [own] = await holders('192.168.15.10/24');
  const [far] = await holders('192.168.15.1/24', 'red');
  return own !== undefined && far !== undefined && areEnds(host, [own], [far, 'red']);
}
