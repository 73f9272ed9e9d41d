/**
 * The layers below the routes: cables, bridges, hardware addresses and MTUs. A fault here also breaks the layers
 * above (a bridge that is down loses its route), so its finding comes first.
 */
import { askingOf, bitsOf, familyOf } from './family.ts';
import { bad, isUp } from './findings.ts';
import type { Finding, Stage } from './model.ts';
import type { Scene } from './observe.ts';
import { addressesOf, inStack, type Stack } from './stack.ts';
import { ipv4AddressesOf, type IpLink, type RouteTo } from '../host/ip.ts';

/** Codes of findings that explain findings of the layers above. */
const CAUSES: ReadonlySet<string> = new Set([
  ...['no-link', 'link-down', 'no-carrier', 'no-bridge', 'unplugged', 'no-gateway', 'wrong-neighbour'],
  ...['wrong-gateway', 'postrouting-flushed', 'rp-filter', 'client-route', 'isolated', 'port-blocked'],
  ...['own-address', 'port-unlearnt', 'arp-off', 'on-link', 'ipv6-off', 'duplicate-address', 'hosts-entry'],
  ...['name-server', 'same-address', 'wrong-port', 'port-locked'],
]);

export const isCause = ({ code }: Finding): boolean => CAUSES.has(code);

/** The other end of a veth, where it is on the host: each names the other's index. */
export const hostEnd = (link: IpLink | undefined, host: Stack): IpLink | undefined =>
  link === undefined
    ? undefined
    : host.interfaces.find(
        ({ ifindex, link_index }) => ifindex === link.link_index && link_index === link.ifindex,
      );

/** Where the host meets the cable of the interface that has the address: the bridge, or its end. */
export function homeOf(host: Stack, stack: Stack, address: string): string | undefined {
  const link = stack.interfaces.find(({ ifname }) => addressesOf(stack, ifname).includes(address));
  return link === undefined ? undefined : homeOfLink(host, stack, link.ifname);
}

/** The same of an interface. An address may be on another one: on lo, say. */
export function homeOfLink(host: Stack, stack: Stack, dev: string): string | undefined {
  const end = hostEnd(
    stack.interfaces.find(({ ifname }) => ifname === dev),
    host,
  );
  return end?.master ?? end?.ifname;
}

/** An interface's cable to the host, and its bridge. */
export function checkCableOf(
  { host }: Scene,
  stack: Stack,
  ifname: string,
  stage: Stage,
): readonly Finding[] {
  const link = stack.interfaces.find((one) => one.ifname === ifname);
  if (link === undefined) return [];
  if (!isUp(link)) {
    const show = inStack(stack, ['ip', '-br', 'link', 'show', ifname]);
    const fix = [...stack.enter, 'ip', 'link', 'set', ifname, 'up'].join(' ');
    return [{ ...bad(stage, 'link-down', `${ifname} of ${stack.name} is down`, show), fix }];
  }
  const end = hostEnd(link, host);
  if (end === undefined) {
    if (link.flags.includes('LOWER_UP')) return [];
    const text = `${ifname} of ${stack.name} has no carrier: the other end of its cable is down or gone`;
    const show = inStack(stack, ['ip', '-br', 'link', 'show', ifname]);
    return [{ ...bad(stage, 'no-carrier', text, show), fix: 'Bring the other end up.' }];
  }
  if (!isUp(end)) {
    const text = `the host's end of the cable to ${stack.name}, ${end.ifname}, is down`;
    const show = ['ip', '-br', 'link', 'show', end.ifname];
    return [{ ...bad(stage, 'link-down', text, show), fix: `ip link set ${end.ifname} up` }];
  }
  return checkBridgeUp(host, end.master, stage);
}

/** A machine that also has the other machine's address asks itself, and nothing leaves it. */
export function checkOwnAddress({ sender, receiver, journey, host }: Scene): readonly Finding[] {
  const { address } = journey.asked;
  const other = receiver ?? (addressesOf(host).includes(address) ? host : undefined);
  if (sender === undefined || other === undefined || other.netns === sender.netns) return [];
  const link = sender.interfaces.find(({ ifname }) => addressesOf(sender, ifname).includes(address));
  if (link === undefined) return [];
  const prefix =
    link.addr_info.find(({ local }) => local === address)?.prefixlen ?? bitsOf(familyOf(address));
  const text = `${sender.name} has ${address} too, on ${link.ifname}, and so asks itself instead of ${other.name}`;
  const fix = [...sender.enter, `ip address del ${address}/${prefix} dev ${link.ifname}`].join(' ');
  return [{ ...bad('sender', 'own-address', text, inStack(sender, ['ip', '-br', 'address'])), fix }];
}

/** A bridge sends what is for one address to one port: two machines with one take each other's frames away. */
export function checkSameAddress(
  { sender, receiver, host, forwardingTable }: Scene,
  names: { readonly of: string | undefined; readonly to: string | undefined },
): readonly Finding[] {
  const ends = [linkOf(sender, names.of), linkOf(receiver, names.to)].flatMap((end) => end ?? []);
  const bridgeOf = ({ link }: (typeof ends)[number]): string | undefined => hostEnd(link, host)?.master;
  for (const end of ends) {
    const { stack, link } = end;
    const bridge = bridgeOf(end);
    const other = ends.find(
      (one) =>
        one.stack.netns !== stack.netns && one.link.address === link.address && bridgeOf(one) === bridge,
    );
    // What the bridge has learned is where the last frame from that address came in.
    const elsewhere = forwardingTable.find(
      ({ mac, ifname, master, state = '' }) =>
        mac === link.address && master === bridge && state === '' && ifname !== hostEnd(link, host)?.ifname,
    );
    if (bridge === undefined || (other === undefined && elsewhere === undefined)) continue;
    const who = other?.stack.name ?? `a machine at the port ${elsewhere?.ifname ?? ''}`;
    const text = `${stack.name} and ${who} have the same hardware address ${link.address ?? ''} on one bridge, which sends their frames to one of them`;
    const show = inStack(stack, ['ip', 'link', 'show', link.ifname]);
    const fix = inStack(stack, ['ip', 'link', 'set', link.ifname, 'address', ownHardwareAddress(link)]).join(
      ' ',
    );
    return [{ ...bad('bridge', 'same-address', text, show), fix }];
  }
  return [];
}

const linkOf = (
  stack: Stack | undefined,
  name: string | undefined,
): { readonly stack: Stack; readonly link: IpLink } | undefined => {
  const link = stack?.interfaces.find(({ ifname }) => ifname === name);
  return stack === undefined || link === undefined ? undefined : { stack, link };
};

/** Made of its IPv4 address, as Docker's; not the one that it has. */
function ownHardwareAddress(link: IpLink): string {
  const number = (ipv4AddressesOf(link)[0]?.local ?? '').split('.').map(Number);
  const rest = number.map((part) => part.toString(16).padStart(2, '0')).join(':');
  return link.address === `02:42:${rest}` ? `06:42:${rest}` : `02:42:${rest}`;
}

export function checkBridgeUp(host: Stack, name: string | undefined, stage: Stage): readonly Finding[] {
  const bridge = host.interfaces.find(({ ifname }) => ifname === name);
  if (bridge === undefined || isUp(bridge)) return [];
  const text = `the bridge ${bridge.ifname} is down`;
  const show = ['ip', '-br', 'link', 'show', bridge.ifname];
  return [{ ...bad(stage, 'link-down', text, show), fix: `ip link set ${bridge.ifname} up` }];
}

/** Of two that are on one network: whether their cables end at one bridge. */
export function checkSameBridge(one: IpLink | undefined, other: IpLink | undefined): readonly Finding[] {
  if (one === undefined || other === undefined || one.master === other.master) return [];
  // The sender is the one that is plugged in, where both are.
  const [lost, bridge = ''] = one.master === undefined ? [one, other.master] : [other, one.master];
  const instead = lost.master === undefined ? '' : ` but into ${lost.master}`;
  const text = `${lost.ifname} is not plugged into ${bridge}${instead}, and the other end of the way is`;
  const fix = `ip link set ${lost.ifname} master ${bridge}`;
  return [{ ...bad('bridge', 'unplugged', text, ['bridge', 'link', 'show']), fix }];
}

/** States in which a port forwards nothing; a bridge with STP leaves the last two after a while. */
const STOPPED: readonly string[] = ['blocking', 'disabled', 'listening', 'learning'];

/** The bridge's ports on the way: a bridge keeps two isolated ports apart, and a blocked port passes nothing. */
export function checkPorts(ports: readonly (IpLink | undefined)[]): readonly Finding[] {
  const data = ports.flatMap((port) =>
    port === undefined ? [] : [{ port, ...port.linkinfo?.info_slave_data }],
  );
  const look = (port: IpLink): readonly string[] => ['bridge', '-d', 'link', 'show', 'dev', port.ifname];
  const blocked = data.find(
    ({ port, state }) => isUp(port) && state !== undefined && STOPPED.includes(state),
  );
  if (blocked !== undefined && blocked.port.flags.includes('LOWER_UP')) {
    const { port, state = '' } = blocked;
    const fix = `bridge link set dev ${port.ifname} state 3`;
    return [
      {
        ...bad('bridge', 'port-blocked', `the port ${port.ifname} of its bridge is ${state}`, look(port)),
        fix,
      },
    ];
  }
  const unlearnt = data.find(({ learning, flood }) => learning === false && flood === false);
  if (unlearnt !== undefined) {
    const { ifname } = unlearnt.port;
    const text = `the bridge neither learns who is at its port ${ifname} nor floods to it: it sends there only what its forwarding table names (bridge fdb)`;
    const fix = `bridge link set dev ${ifname} learning on flood on`;
    return [{ ...bad('bridge', 'port-unlearnt', text, look(unlearnt.port)), fix }];
  }
  const [one, other] = data;
  if (one?.isolated !== true || other?.isolated !== true || one.port === other.port) return [];
  const text = `the bridge keeps the isolated ports ${one.port.ifname} and ${other.port.ifname} apart`;
  const fix = `bridge link set dev ${other.port.ifname} isolated off`;
  return [{ ...bad('bridge', 'isolated', text, look(other.port)), fix }];
}

/**
 * Whether the neighbour table has the right hardware address of the next hop. A learned entry may come from another
 * machine with the same address; a permanent one stays wrong until it is deleted.
 */
export function checkNeighbour(
  stage: Stage,
  from: Stack,
  route: RouteTo | undefined,
  address: string,
  others: readonly (Stack | undefined)[],
): readonly Finding[] {
  if (route === undefined || route.type === 'local' || route.dev === 'lo') return [];
  const next = route.gateway ?? address;
  for (const stack of [from, ...others]) {
    const found = stack === undefined ? [] : checkArp(stage, stack, stack === from ? route.dev : next);
    if (found.length > 0) return found;
  }
  const entry = from.neighbours.find(({ dst, dev }) => dst === next && dev === route.dev);
  const owner = others.find((stack) => stack !== undefined && addressesOf(stack).includes(next));
  if (entry?.lladdr === undefined || owner === undefined) return [];
  // The host answers ARP for all its addresses on each interface.
  if (owner.interfaces.some((link) => link.address === entry.lladdr)) return [];
  const own = owner.interfaces.find((link) => link.addr_info.some(({ local }) => local === next));
  const permanent = entry.state?.includes('PERMANENT') === true;
  const text =
    `${from.name} has ${entry.lladdr} as the hardware address of ${next}, ${permanent ? 'typed by somebody' : 'as somebody answered'}, ` +
    `and ${owner.name} has ${own?.address ?? 'another one'}`;
  const show = inStack(from, ['ip', 'neigh', 'show', 'to', next, 'dev', route.dev]);
  const del = [...from.enter, 'ip', 'neigh', 'del', next, 'dev', route.dev].join(' ');
  // Only its own machine can take a second address away.
  const fix = permanent
    ? del
    : `Take ${next} away from the machine with ${entry.lladdr} (bridge fdb show names its port); if there is none any more: ${del}`;
  return [{ ...bad(stage, 'wrong-neighbour', text, show), fix }];
}

/** By the interface's name or its address: without ARP it neither asks nor answers who has an address. */
export function checkArp(stage: Stage, stack: Stack, which: string): readonly Finding[] {
  const link = stack.interfaces.find(
    ({ ifname }) => ifname !== 'lo' && (ifname === which || addressesOf(stack, ifname).includes(which)),
  );
  const kind = link?.linkinfo?.info_kind;
  // Tunnels have none, and need none.
  const needsArp =
    kind === 'veth' || kind === 'bridge' || (kind === undefined && link?.link_type === 'ether');
  if (link?.flags.includes('NOARP') !== true || !needsArp) return [];
  const text = `${link.ifname} of ${stack.name} neither asks nor answers by ${askingOf(stack.family)}: ${stack.family === 6 ? 'the interface has NOARP' : 'it is off there'}`;
  const fix = [...stack.enter, 'ip', 'link', 'set', link.ifname, 'arp', 'on'].join(' ');
  return [{ ...bad(stage, 'arp-off', text, inStack(stack, ['ip', 'link', 'show', link.ifname])), fix }];
}

/**
 * The kernel silently drops a frame that is larger than the MTU of the veth's peer; no router asks for smaller
 * packets. Small packets pass, a handshake too.
 */
export function checkFrameSize(scene: Scene, stack: Stack, ifname: string): readonly Finding[] {
  const link = stack.interfaces.find((one) => one.ifname === ifname);
  const end = hostEnd(link, scene.host);
  if (link === undefined || end === undefined || end.mtu >= link.mtu) return [];
  const text =
    `${ifname} of ${stack.name} sends up to ${link.mtu} bytes at once (its MTU), and the host's end ${end.ifname} ` +
    `takes ${end.mtu}: small packets pass, larger ones are silently dropped`;
  const show = ['ip', 'link', 'show', end.ifname];
  return [{ ...bad('cable', 'mtu', text, show), fix: `ip link set ${end.ifname} mtu ${link.mtu}` }];
}
