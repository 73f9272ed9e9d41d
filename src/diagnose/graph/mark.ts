/** The path of a packet from the uplink to one container's program, as the parts of a picture to highlight. */
import { MinidockError } from '../../../runtime/errors.ts';
import {
  cableAt,
  findEnd,
  refKey,
  type ContainerLabel,
  type EndRef,
  type Model,
  type Namespace,
  type ProcessLabel,
  type Published,
  askedPlace,
  targetPlace,
} from './model.ts';

export interface Mark {
  readonly inode: number;
  /** refKey of each interface on the way. */
  readonly interfaces: ReadonlySet<string>;
  readonly published: ReadonlySet<Published>;
  /** The same in words, from outside in. */
  readonly path: readonly string[];
}

/** By name, id or its prefix, namespace name, or PID. @throws MinidockError 'NOT_IN_GRAPH'. */
export function findMark(model: Model, wanted: string): Mark {
  const target = model.namespaces.find((namespace) => isNamed(namespace, wanted));
  if (target === undefined) {
    const names = model.namespaces.filter(({ kind }) => kind !== 'host').map(({ label }) => label);
    throw new MinidockError({
      code: 'NOT_IN_GRAPH',
      message: `there is no ${wanted} in the picture`,
      hint: names.length === 0 ? 'The picture has only this host.' : `It has: ${names.join(', ')}.`,
    });
  }
  const { inode } = target;
  const way = wayTo(model, target);
  const addresses = target.interfaces.flatMap((link) => link.addresses.map((one) => one.split('/')[0] ?? ''));
  const published = model.published.filter(({ toAddress }) => addresses.includes(toAddress));
  return {
    inode,
    interfaces: new Set(way.map(refKey)),
    published: new Set(published),
    path: inWords(model, way, published, processOf(target, wanted)),
  };
}

const isContainer = ({ id, name }: ContainerLabel, wanted: string): boolean =>
  name === wanted || (/^[0-9a-f]{2,64}$/.test(wanted) && id.startsWith(wanted));

const isNamed = ({ label, containers, path, processes }: Namespace, wanted: string): boolean =>
  label === wanted ||
  containers.some((container) => isContainer(container, wanted)) ||
  path === wanted ||
  path === `/run/netns/${wanted}` ||
  processes.some(({ pid }) => String(pid) === wanted);

/** The requested container, if several share a namespace. */
function processOf({ containers, processes }: Namespace, wanted: string): ProcessLabel | undefined {
  const meant = containers.find((container) => isContainer(container, wanted));
  return processes.find(({ pid }) => pid === meant?.pid || String(pid) === wanted) ?? processes[0];
}

/** Interfaces from the uplink to the target's own: along its cable, and where that is a bridge's port, the bridge. */
function wayTo(model: Model, target: Namespace): readonly EndRef[] {
  const host = model.namespaces.find(({ inode }) => inode === model.here);
  for (const link of target.interfaces) {
    const end = { inode: target.inode, index: link.index };
    const other = cableAt(model, end)?.other;
    if (other?.inode !== model.here || host === undefined) continue;
    const { master } = host.interfaces.find(({ index }) => index === other.index) ?? {};
    const bridge = master === undefined ? [] : [{ inode: host.inode, index: master }];
    const device = host.routes.find(({ destination }) => destination === 'default')?.device;
    const uplink = host.interfaces.find(({ name }) => name === device);
    const isItself = uplink?.index === other.index || uplink === undefined;
    return [...(isItself ? [] : [{ inode: host.inode, index: uplink.index }]), ...bridge, other, end];
  }
  return target.interfaces
    .filter(({ kind }) => kind === 'veth')
    .map(({ index }) => ({ inode: target.inode, index }));
}

function inWords(
  model: Model,
  way: readonly EndRef[],
  published: readonly Published[],
  process: ProcessLabel | undefined,
): readonly string[] {
  const names = way.map((ref) => {
    const found = findEnd(model, ref);
    return { ref, text: found === undefined ? '?' : `${found.link.name} #${ref.index}` };
  });
  const [uplink] = names;
  const routed = names.length > 2 && uplink?.ref.inode === model.here;
  const rules = published.map((port) => `${askedPlace(port)}/${port.protocol} becomes ${targetPlace(port)}`);
  const shown = rules.length > 3 ? [...rules.slice(0, 3), `${rules.length - 3} more`] : rules;
  const hooks = routed
    ? [`prerouting${shown.length === 0 ? '' : ` (${shown.join(', ')})`}`, 'routing', 'forward', 'postrouting']
    : [];
  return [
    ...(routed ? [uplink.text] : []),
    ...hooks,
    ...names.slice(routed ? 1 : 0).map(({ text }) => text),
    ...(process === undefined ? [] : [`process ${process.pid} (${process.command})`]),
  ];
}
