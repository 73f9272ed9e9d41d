/**
 * What most lessons' hosts are built of, as shell lines: namespaces, cables, a bridge, a small web server; and the
 * requirements most of them end with: a ping or a page. The lines use only what a lesson may count on: iproute2,
 * busybox and the shell.
 */
import type { LabHost, Lesson, LessonStep, Requirement } from '../lesson.ts';

/** A puzzle is a lesson of one step: its title and symptom are told, its cause is not. */
export function puzzle(
  lesson: Omit<Lesson, 'group' | 'steps'> & Omit<LessonStep, 'id' | 'title' | 'article'>,
): Lesson {
  const { task, hints, solution, requirements, ...rest } = lesson;
  const step: LessonStep = { id: 'mend', title: 'Find it and mend it', task, hints, solution, requirements };
  return { ...rest, group: 'puzzle', steps: [step] };
}

/** A namespace whose loopback interface is up, with any of the host's reverse path filtering left behind. */
export function namespace(name: string): string[] {
  return [
    `ip netns add ${name}`,
    `ip -n ${name} link set lo up`,
    `ip netns exec ${name} sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >"$f"; done'`,
  ];
}

export interface Cable {
  readonly netns: string;
  /** The end inside; 'eth0'. */
  readonly inside?: string;
  /** With its prefix length. */
  readonly address: string;
  readonly mac?: string;
  /** The end that stays on the host; 'v' and the namespace's name. */
  readonly outside?: string;
  readonly hostAddress?: string;
  readonly bridge?: string;
  readonly gateway?: string;
}

/** A veth pair from the host into a namespace, both ends up. */
export function cable(to: Cable): string[] {
  const { netns, inside = 'eth0', outside = `v${netns}` } = to;
  const mac = to.mac === undefined ? '' : ` address ${to.mac}`;
  return [
    `ip link add ${outside} type veth peer name ${inside}${mac} netns ${netns}`,
    ...(to.bridge === undefined ? [] : [`ip link set ${outside} master ${to.bridge}`]),
    ...(to.hostAddress === undefined ? [] : [`ip address add ${to.hostAddress} dev ${outside}`]),
    `ip link set ${outside} up`,
    `ip -n ${netns} address add ${to.address} dev ${inside}`,
    `ip -n ${netns} link set ${inside} up`,
    ...(to.gateway === undefined ? [] : [`ip -n ${netns} route add default via ${to.gateway}`]),
  ];
}

/** A bridge that is up; what it carries stays out of the firewall, also on kernels that pass it there by default. */
export function bridge(name: string, address?: string): string[] {
  const filter = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  return [
    `ip link add name ${name} type bridge`,
    `[ ! -e ${filter} ] || echo 0 >${filter}`,
    ...(address === undefined ? [] : [`ip address add ${address} dev ${name}`]),
    `ip link set ${name} up`,
  ];
}

/** A web server in a namespace, in the background; its page is the one sentence. */
export function pageAt(netns: string, sentence: string, listen = '80'): string[] {
  const folder = `/srv/${netns}-${listen.replace(/^.*:/, '')}`;
  return [
    `mkdir -p ${folder}`,
    `echo '${sentence}' >${folder}/index.html`,
    `ip netns exec ${netns} busybox httpd -p ${listen} -h ${folder} </dev/null >/dev/null 2>&1`,
  ];
}

export const forwarding = (on: boolean): string => `echo ${on ? 1 : 0} >/proc/sys/net/ipv4/ip_forward`;

/** The page is the one with this sentence; `netns` absent means from the host. */
export function pageComes(text: string, url: string, sentence: string, netns?: string): Requirement {
  return { text, holds: (host) => hasPage(host, url, sentence, netns) };
}

export async function hasPage(
  host: LabHost,
  url: string,
  sentence: string,
  netns?: string,
): Promise<boolean> {
  const began = Date.now();
  const where = netns === undefined ? {} : { netns };
  const body = await host.fetch(url, where);
  // "No route to host" at once is the end of an older question for a neighbour; the next one is asked anew.
  const again = body === undefined && Date.now() - began < 1000;
  const page = again ? await host.fetch(url, where) : body;
  return page?.includes(sentence) ?? false;
}

export function pageStaysAway(text: string, url: string, netns: string): Requirement {
  return { text, holds: async (host) => (await host.fetch(url, { netns })) === undefined };
}

export function pings(text: string, address: string, netns?: string): Requirement {
  return { text, holds: (host) => host.ping(address, netns === undefined ? {} : { netns }) };
}

/** Only translation is the way back then. `prefix` is how the private addresses begin. */
export function noRouteBack(text: string, prefix: string): Requirement {
  return {
    text,
    holds: async (host) => {
      const routes = await host.ip(['route', 'show'], 'outside');
      return routes.every(({ dst }) => !String(dst).startsWith(prefix));
    },
  };
}

/** The IPv4 addresses of a namespace's interfaces (of the host without one), by interface; loopback left out. */
export async function addressesOf(
  host: LabHost,
  netns?: string,
): Promise<readonly { readonly link: string; readonly address: string; readonly up: boolean }[]> {
  const links = (await host.ip(['-4', 'address', 'show'], netns)) as unknown as readonly IpLink[];
  return links.flatMap(({ ifname, flags = [], addr_info = [] }) =>
    addr_info
      .map(({ local = '127.' }) => ({ link: ifname ?? '', address: local, up: flags.includes('UP') }))
      .filter(({ address }) => !address.startsWith('127.')),
  );
}

interface IpLink {
  readonly ifname?: string;
  readonly flags?: readonly string[];
  readonly addr_info?: readonly { readonly local?: string }[];
}
