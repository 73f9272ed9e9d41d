/**
 * A picture of many containers stays legible: of the neighbours of one bridge the first few are drawn, the rest stands
 * in one box that opens with a click. A search shows those that match, whatever their number. Pure.
 */
import {
  cableAt,
  shownAddresses,
  type Interface,
  type Model,
  type Namespace,
} from '../../diagnose/graph/model.ts';

export interface GroupOptions {
  /** Indexes of bridges whose groups are open. */
  readonly open: ReadonlySet<number>;
  readonly query: string;
  /** Namespaces that are always drawn: selected ones. */
  readonly keep: ReadonlySet<number>;
}

/** Neighbours of a bridge that are drawn at once. */
const MOST = 12;
const FIRST = 8;

export interface Grouped {
  readonly model: Model;
  /** The inode of a group's box to the index of its bridge. */
  readonly groups: ReadonlyMap<number, number>;
}

export const matches = (namespace: Namespace, query: string): boolean =>
  query !== '' &&
  [
    namespace.label,
    ...namespace.containers.flatMap(({ name, image }) => [name, image]),
    ...namespace.interfaces.flatMap((link) => [link.name, ...shownAddresses(link)]),
  ].some((word) => word.toLowerCase().includes(query.toLowerCase()));

export function group(model: Model, { open, query, keep }: GroupOptions): Grouped {
  const [host] = model.namespaces;
  const groups = new Map<number, number>();
  if (host === undefined) return { model, groups };
  const hidden = new Set<number>();
  const hiddenPorts = new Set<number>();
  const boxes: Namespace[] = [];
  const ports: Interface[] = [];
  const cables = [];
  for (const bridge of host.interfaces.filter(({ kind }) => kind === 'bridge')) {
    if (open.has(bridge.index)) continue;
    const neighbours = host.interfaces
      .filter(({ master }) => master === bridge.index)
      .flatMap(({ index }) => {
        const other = cableAt(model, { inode: host.inode, index })?.other;
        return other === undefined || other.inode === host.inode ? [] : [{ port: index, inode: other.inode }];
      });
    if (neighbours.length <= MOST) continue;
    const rest = neighbours.filter(({ inode }, place) => {
      const namespace = model.namespaces.find((one) => one.inode === inode);
      const found = namespace !== undefined && matches(namespace, query);
      return !keep.has(inode) && !found && (query !== '' || place >= FIRST);
    });
    if (rest.length < 2) continue;
    for (const { port, inode } of rest) {
      hidden.add(inode);
      hiddenPorts.add(port);
    }
    const inode = -bridge.index;
    const index = 1_000_000 + bridge.index;
    groups.set(inode, bridge.index);
    const link = { ...bridge, kind: 'veth', addresses: [], up: true, carrier: true };
    const { network: _, ...plain } = link;
    ports.push({ ...plain, name: `${rest.length} more`, index, master: bridge.index });
    boxes.push({
      ...{ inode, kind: 'namespace', label: `${rest.length} more on ${bridge.name}`, path: '' },
      ...{ containers: [], processes: [], routes: [] },
      interfaces: [{ ...plain, name: 'click to show all', index: 1 }],
    });
    cables.push({ a: { inode: host.inode, index }, b: { inode, index: 1 } });
  }
  if (groups.size === 0) return { model, groups };
  const namespaces = model.namespaces.filter(({ inode }) => !hidden.has(inode));
  const gone = (inode: number, index: number): boolean =>
    hidden.has(inode) || (inode === host.inode && hiddenPorts.has(index));
  return {
    groups,
    model: {
      ...model,
      namespaces: [
        {
          ...host,
          interfaces: [...host.interfaces.filter(({ index }) => !hiddenPorts.has(index)), ...ports],
        },
        ...namespaces.slice(1),
        ...boxes,
      ],
      cables: [
        ...model.cables.filter(
          ({ a, b }) => !gone(a.inode, a.index) && (b === undefined || !gone(b.inode, b.index)),
        ),
        ...cables,
      ],
    },
  };
}
