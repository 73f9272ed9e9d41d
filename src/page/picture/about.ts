/**
 * What a part of the picture is: the command that shows it, the step of a plan that makes such a part with its reason,
 * and its details. Pure; commands are quoted for a shell.
 */
import { quoteWord as quote } from '../../../runtime/plan/quote.ts';
import {
  cableAt,
  findEnd,
  type EndRef,
  type Interface,
  type Model,
  type Namespace,
} from '../../diagnose/graph/model.ts';

export interface About {
  readonly title: string;
  /** Commands that show it. */
  readonly look: readonly string[];
  readonly made: { readonly command: string; readonly why: string } | undefined;
  readonly facts: readonly (readonly [string, string])[];
}

/** In front of a command: runs it in the namespace. */
export function inNamespace({ path }: Namespace, words: string, isHere: boolean): string {
  if (isHere) return words;
  const [, name] = /^\/run\/netns\/(.+)$/.exec(path) ?? [];
  const ip = /^ip (.*)$/s.exec(words)?.[1];
  if (name !== undefined && ip !== undefined) return `ip -n ${quote(name)} ${ip}`;
  return `nsenter --net=${quote(path)} ${words}`;
}

export function aboutNamespace(model: Model, inode: number): About | undefined {
  const namespace = model.namespaces.find((one) => one.inode === inode);
  if (namespace === undefined) return undefined;
  const here = inode === model.here;
  const named = /^\/run\/netns\/(.+)$/.exec(namespace.path)?.[1];
  const facts: (readonly [string, string])[] = [
    ['inode', `net:[${inode}]`],
    ...(namespace.path === '' || here ? [] : [['path', namespace.path] as const]),
    ...namespace.containers.map(({ name, image }) => ['container', `${name} (${image})`] as const),
    ...namespace.processes.map(({ pid, command }) => [`pid ${pid}`, command] as const),
    ...namespace.routes.map(
      ({ destination, via, device }) =>
        ['route', `${destination}${via === undefined ? '' : ` via ${via}`} dev ${device}`] as const,
    ),
    ...(here ? [['forwarding', model.forwarding ? 'on' : 'off'] as const] : []),
  ];
  return {
    title: here ? 'This host' : `Network namespace ${namespace.label}`,
    look: ['ip -br address', 'ip route', ...(here ? ['nft list ruleset'] : [])].map((words) =>
      inNamespace(namespace, words, here),
    ),
    made: here
      ? undefined
      : {
          command: named === undefined ? 'unshare --net' : `ip netns add ${quote(named)}`,
          why: 'A network namespace has interfaces, addresses, routes and firewall rules of its own. A new one has only lo, which is down.',
        },
    facts,
  };
}

export function aboutInterface(model: Model, ref: EndRef): About | undefined {
  const end = findEnd(model, ref);
  if (end === undefined) return undefined;
  const { namespace, link } = end;
  const here = ref.inode === model.here;
  const other = cableAt(model, ref)?.other;
  const peer = other === undefined ? undefined : findEnd(model, other);
  const bridge = namespace.interfaces.find(({ index }) => index === link.master);
  const ports = namespace.interfaces.filter(({ master }) => master === link.index);
  const name = quote(link.name);
  const look = [
    `ip -d -s link show dev ${name}`,
    `ip address show dev ${name}`,
    ...(link.kind === 'bridge' ? [`bridge fdb show br ${name}`, `ip link show master ${name}`] : []),
  ];
  return {
    title: `${link.name} in ${namespace.label}`,
    look: look.map((words) => inNamespace(namespace, words, here)),
    made: madeBy(link, peer?.link.name),
    facts: [
      ['kind', link.kind],
      ['index', String(link.index)],
      ['MAC', link.mac],
      ['MTU', String(link.mtu)],
      ['state', link.up ? (link.carrier ? 'up' : 'up, no carrier') : 'down'],
      ...link.addresses.map((address) => ['address', address] as const),
      ...(bridge === undefined ? [] : [['port of', bridge.name] as const]),
      ...(link.network === undefined ? [] : [['network', link.network] as const]),
      ...(ports.length === 0 ? [] : [['ports', ports.map((port) => port.name).join(' ')] as const]),
      ...(peer === undefined ? [] : [['other end', `${peer.link.name} in ${peer.namespace.label}`] as const]),
    ],
  };
}

function madeBy(link: Interface, peer: string | undefined): About['made'] {
  const name = quote(link.name);
  switch (link.kind) {
    case 'veth':
      return {
        command: `ip link add ${name} type veth peer name ${peer === undefined ? 'PEER' : quote(peer)}`,
        why: 'A veth pair is a virtual cable: what enters one end leaves at the other. One end moves into the namespace, the other stays, mostly as a port of a bridge.',
      };
    case 'bridge':
      return {
        command: `ip link add ${name} type bridge`,
        why: 'A bridge is a switch inside the kernel. The containers of a network are its ports; its own address is their gateway.',
      };
    case 'loopback':
      return {
        command: 'ip link set lo up',
        why: 'Each namespace has its own loopback. Until it is up, not even 127.0.0.1 answers.',
      };
    default:
      return undefined;
  }
}

export function aboutCable(model: Model, key: string): About | undefined {
  const cable = model.cables.find(
    ({ a, b }) =>
      key === [a, ...(b === undefined ? [] : [b])].map(({ inode, index }) => `${inode}/${index}`).join('-'),
  );
  const a = cable === undefined ? undefined : aboutInterface(model, cable.a);
  if (cable === undefined || a === undefined) return undefined;
  const b = cable.b === undefined ? undefined : aboutInterface(model, cable.b);
  return {
    title: `Cable: ${a.title} – ${b?.title ?? 'an unseen end'}`,
    look: [...a.look.slice(0, 1), ...(b?.look.slice(0, 1) ?? [])],
    made: a.made,
    facts: [...a.facts.slice(2, 5), ...(b?.facts.slice(2, 5) ?? [])],
  };
}
