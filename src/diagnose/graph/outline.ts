/**
 * The model as nodes and edges, for the formats whose own programs do the placing (dot, mermaid): a group for each
 * namespace, a node for each interface and for its processes, an edge for each cable and each port of a bridge.
 */
import type { Mark } from './mark.ts';
import {
  findEnd,
  refKey,
  shownAddresses,
  type EndRef,
  type Interface,
  type Model,
  type Namespace,
  askedPlace,
  targetPlace,
} from './model.ts';

export interface Outline {
  readonly groups: readonly Group[];
  readonly edges: readonly Edge[];
}

export interface Group {
  readonly id: string;
  readonly lines: readonly string[];
  readonly kind: Namespace['kind'];
  readonly marked: boolean;
  readonly nodes: readonly Node[];
}

export interface Node {
  readonly id: string;
  readonly lines: readonly string[];
  readonly kind: 'interface' | 'bridge' | 'process' | 'port';
  readonly marked: boolean;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** 'port' joins a bridge and its port, 'uses' a process and its interface, 'dnat' a published port and its target. */
  readonly kind: 'cable' | 'port' | 'uses' | 'dnat';
  readonly up: boolean;
  readonly marked: boolean;
}

export function outline(model: Model, mark?: Mark): Outline {
  const groups = model.namespaces.map((namespace) => groupOf(model, namespace, mark));
  return { groups, edges: [...cables(model, mark), ...inside(model, mark), ...redirections(model, mark)] };
}

const nodeId = ({ inode, index }: EndRef): string => `n${inode}_${index}`;

function groupOf(model: Model, namespace: Namespace, mark?: Mark): Group {
  const { inode, label, kind, containers, interfaces, processes } = namespace;
  const marked = mark?.inode === inode;
  const ports = inode === model.here ? model.published : [];
  return {
    id: `n${inode}`,
    lines: [label, ...containers.slice(0, 1).map(({ image }) => image), `net:[${inode}]`],
    kind,
    marked,
    nodes: [
      ...interfaces
        .filter(
          (link) => link.kind !== 'loopback' || shownAddresses(link).some((one) => !one.startsWith('127.')),
        )
        .map((link): Node => ({
          id: nodeId({ inode, index: link.index }),
          lines: [
            `${link.name} #${link.index}${link.up ? '' : ' DOWN'}`,
            ...shownAddresses(link),
            ...(link.network === undefined ? [] : [`network ${link.network}`]),
            ...(link.mtu === 1500 || link.kind === 'loopback' ? [] : [`mtu ${link.mtu}`]),
            ...gateway(namespace, link),
          ],
          kind: link.kind === 'bridge' ? 'bridge' : 'interface',
          marked: mark?.interfaces.has(refKey({ inode, index: link.index })) === true,
        })),
      ...ports.map((port, i): Node => ({
        id: `p${i}`,
        lines: [`${askedPlace(port)}/${port.protocol}`, `to ${targetPlace(port)}`],
        kind: 'port',
        marked: mark?.published.has(port) === true,
      })),
      ...processes.slice(0, 1).map(({ pid, command }): Node => ({
        id: `n${inode}_pid`,
        lines: [`pid ${pid}`, command.length > 40 ? `${command.slice(0, 39)}…` : command],
        kind: 'process',
        marked,
      })),
    ],
  };
}

const gateway = ({ routes }: Namespace, { name }: Interface): readonly string[] =>
  routes.flatMap(({ destination, via, device }) =>
    destination === 'default' && device === name && via !== undefined ? [`gw ${via}`] : [],
  );

const cables = (model: Model, mark?: Mark): readonly Edge[] =>
  model.cables.flatMap(({ a, b }): readonly Edge[] => {
    if (b === undefined) return [];
    const up = [a, b].every((end) => findEnd(model, end)?.link.up === true);
    const marked = [a, b].every((end) => mark?.interfaces.has(refKey(end)) === true);
    // From left to right as packets come in: the outside, this host, its containers.
    const turned = leadsOut(model, a) || b.inode === model.here ? !leadsOut(model, b) : leadsOut(model, a);
    const [from, to] = turned ? [b, a] : [a, b];
    return [{ from: nodeId(from), to: nodeId(to), kind: 'cable', up, marked }];
  });

/** Whether it is the interface of this host's default route. */
function leadsOut(model: Model, end: EndRef): boolean {
  const { namespace, link } = findEnd(model, end) ?? {};
  return (
    end.inode === model.here &&
    namespace?.routes.some(
      ({ destination, device }) => destination === 'default' && device === link?.name,
    ) === true
  );
}

function inside({ namespaces }: Model, mark?: Mark): readonly Edge[] {
  return namespaces.flatMap(({ inode, interfaces, processes }): readonly Edge[] => {
    const isMarked = (index: number): boolean => mark?.interfaces.has(refKey({ inode, index })) === true;
    const ports = interfaces.flatMap(({ index, master, up }): readonly Edge[] =>
      master === undefined
        ? []
        : [
            {
              from: nodeId({ inode, index: master }),
              to: nodeId({ inode, index }),
              kind: 'port',
              up,
              marked: isMarked(index) && isMarked(master),
            },
          ],
    );
    const first = interfaces.find(({ kind }) => kind !== 'loopback');
    if (first === undefined || processes.length === 0) return ports;
    const { index } = first;
    const uses: Edge = {
      from: nodeId({ inode, index }),
      to: `n${inode}_pid`,
      kind: 'uses',
      up: true,
      marked: isMarked(index),
    };
    return [...ports, uses];
  });
}

const redirections = (model: Model, mark?: Mark): readonly Edge[] =>
  model.published.flatMap((port, i): readonly Edge[] => {
    const target = model.namespaces
      .flatMap(({ inode, interfaces }) => interfaces.map((link) => ({ inode, link })))
      .find(({ link }) => link.addresses.some((one) => one.split('/')[0] === port.toAddress));
    if (target === undefined) return [];
    const to = nodeId({ inode: target.inode, index: target.link.index });
    return [{ from: `p${i}`, to, kind: 'dnat', up: true, marked: mark?.published.has(port) === true }];
  });
