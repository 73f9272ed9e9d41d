/**
 * The parts of most lessons' hosts, as shell lines: namespaces, cables, a bridge, a small web server; and the
 * requirements that most lessons end with: a ping or a page. The lines use only iproute2, busybox and the shell.
 */
import type { LabHost, Lesson, LessonStep, Requirement } from '../lesson.ts';
import { arrivesAs, counterOf, leaves, pingReaches } from './packets.ts';

/** A puzzle is a lesson of one step: it shows the title and the symptom, not the cause. */
export function puzzle(
  lesson: Omit<Lesson, 'group' | 'steps'> & Omit<LessonStep, 'id' | 'title' | 'article'>,
): Lesson {
  const { task, hints, solution, requirements, ...rest } = lesson;
  const step: LessonStep = {
    id: 'mend',
    title: 'Find it and repair it',
    task,
    hints,
    solution,
    requirements,
  };
  return { ...rest, group: 'puzzle', steps: [step] };
}

/** A namespace with loopback up, and without the host's reverse path filtering. */
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

/** A bridge that is up and bypasses the firewall, also on kernels with br_netfilter. */
export function bridge(name: string, address?: string): string[] {
  const filter = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  return [
    `ip link add name ${name} type bridge`,
    `[ ! -e ${filter} ] || echo 0 >${filter}`,
    ...(address === undefined ? [] : [`ip address add ${address} dev ${name}`]),
    `ip link set ${name} up`,
  ];
}

/** A web server in a namespace, in the background; its page is one sentence. */
export function pageAt(netns: string, sentence: string, listen = '80'): string[] {
  const folder = `/srv/${netns}-${listen.replace(/^.*:/, '')}`;
  return [
    `mkdir -p ${folder}`,
    `echo '${sentence}' >${folder}/index.html`,
    `ip netns exec ${netns} busybox httpd -p ${listen} -h ${folder} </dev/null >/dev/null 2>&1`,
  ];
}

/** Outside sends to a private address by way of the host, as the lesson has set it up, and to all of these ports. */
export async function knowsWay(host: LabHost, address: string, ports: readonly number[]): Promise<boolean> {
  const [route] = await host.ip(['route', 'get', address], 'outside');
  return (
    route?.['gateway'] === '203.0.113.2' &&
    leaves(host, { protocol: 'tcp', from: 'outside', to: '', address, ports })
  );
}

export const forwarding = (on: boolean): string => `echo ${on ? 1 : 0} >/proc/sys/net/ipv4/ip_forward`;

export interface Fetch {
  /** The namespace that asks; absent, the host. */
  readonly from?: string;
  /** The namespace whose server must answer; a copy of the page from elsewhere does not count. */
  readonly by: string;
}

/** The page is the one with this sentence. */
export function pageComes(text: string, url: string, sentence: string, fetch: Fetch): Requirement {
  return { text, holds: (host) => hasPage(host, url, sentence, fetch) };
}

export async function hasPage(
  host: LabHost,
  url: string,
  sentence: string,
  { from, by }: Fetch,
): Promise<boolean> {
  const accepted = (): Promise<number> => counterOf(host, 'Tcp', 'PassiveOpens', by);
  const before = await accepted();
  return (await fetchTwice(host, url, from))?.includes(sentence) === true && (await accepted()) > before;
}

export async function fetchTwice(host: LabHost, url: string, from?: string): Promise<string | undefined> {
  const began = Date.now();
  const where = from === undefined ? {} : { netns: from };
  const body = await host.fetch(url, where);
  // An immediate "No route to host" is the result of an earlier neighbour lookup; the next try asks again.
  const again = body === undefined && Date.now() - began < 1000;
  return again ? await host.fetch(url, where) : body;
}

/** A namespace does not get a page, while the host still gets it. */
export function pageStaysAway(text: string, url: string, from: string): Requirement {
  return {
    text,
    holds: async (host) =>
      (await fetchTwice(host, url)) !== undefined && // An accepted packet has arrived by then; a dropped one never arrives.
      (await host.fetch(url, { netns: from, seconds: 1 })) === undefined,
  };
}

export function pings(
  text: string,
  address: string,
  ping: { readonly from?: string; readonly by: string },
): Requirement {
  return { text, holds: (host) => pingReaches(host, address, ping) };
}

/** The host's address on the wire to outside. */
const UPLINK = '203.0.113.2';

/** Then the host's NAT is what brings answers back. */
export function noRouteBack(text: string, address: string, from: string): Requirement {
  return {
    text,
    holds: async (host) =>
      !(await knowsRoute(host, address)) &&
      (await arrivesAs(host, UPLINK, { from, netns: 'outside' })) !== false,
  };
}

/** In any table, whichever rules lead there: a rule may wait for certain packets. */
async function knowsRoute(host: LabHost, address: string): Promise<boolean> {
  const routes = await host.ip(['-d', 'route', 'show', 'table', 'all', 'match', address], 'outside');
  return routes.some(({ type }) => type === 'unicast' || type === 'local' || type === 'nat');
}

/** The IPv4 addresses of a namespace's interfaces (of the host without one), by interface; loopback left out. */
export async function addressesOf(
  host: LabHost,
  netns?: string,
): Promise<readonly { readonly link: string; readonly address: string }[]> {
  const links = (await host.ip(['-4', 'address', 'show'], netns)) as unknown as readonly IpLink[];
  return links.flatMap(({ ifname, addr_info = [] }) =>
    addr_info
      .map(({ local = '127.' }) => ({ link: ifname ?? '', address: local }))
      .filter(({ address }) => !address.startsWith('127.')),
  );
}

interface IpLink {
  readonly ifname?: string;
  readonly addr_info?: readonly { readonly local?: string }[];
}
