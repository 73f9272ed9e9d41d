/** The lines of a namespace's box: its interfaces, a bridge's ports below it, its processes. */
import type { Mark } from './mark.ts';
import {
  refKey,
  shownAddresses,
  type EndRef,
  type Interface,
  type Model,
  type Namespace,
  askedPlace,
  targetPlace,
} from './model.ts';

export type Style = 'plain' | 'name' | 'dim' | 'address' | 'warn' | 'process';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export interface Row {
  readonly spans: readonly Span[];
  /** The interface whose cable leaves from this line. */
  readonly ref?: EndRef;
  /** The bridge's line continues below, to its next port. */
  readonly bus?: boolean;
  readonly marked: boolean;
  /** The bridge's line below this row belongs to the marked path. */
  readonly busMarked?: boolean;
}

export interface RowOptions {
  readonly mark?: Mark | undefined;
  /** refKeys of veths whose other end cannot be found. */
  readonly lost?: ReadonlySet<string>;
  /** Columns of a line; a second address that does not fit goes below. */
  readonly width: number;
}

/** Ethernet's MTU; others are shown. */
const USUAL_MTU = 1500;
/** Published ports that the picture lists; it counts the rest. */
const PORTS_SHOWN = 10;

export function hostRows(model: Model, host: Namespace, options: RowOptions): readonly Row[] {
  const plain = host.interfaces.filter(({ master, kind }) => master === undefined && kind !== 'bridge');
  const bridges = host.interfaces.filter(({ kind }) => kind === 'bridge');
  return [
    ...interfaceRows(host, plain, options),
    ...routerRows(model, options),
    ...bridges.flatMap((bridge) => [EMPTY, ...interfaceRows(host, [bridge], options)]),
    ...orphans(host, options),
  ];
}

const EMPTY: Row = { spans: [], marked: false };

/** Of another namespace: interfaces in `first` (those whose cables should be straight) come first. */
export function namespaceRows(
  namespace: Namespace,
  first: readonly number[],
  options: RowOptions,
): readonly Row[] {
  const rank = ({ index }: Interface): number =>
    first.includes(index) ? first.indexOf(index) : first.length;
  const top = namespace.interfaces
    .filter(({ master, kind }) => master === undefined && kind !== 'bridge')
    .filter((link) => link.kind !== 'loopback' || !link.up || shownAddresses(link).join() !== '127.0.0.1/8')
    .sort((a, b) => rank(a) - rank(b) || Number(a.kind === 'loopback') - Number(b.kind === 'loopback'));
  const bridges = namespace.interfaces.filter(({ kind }) => kind === 'bridge');
  const marked = options.mark?.inode === namespace.inode;
  const rows = [
    ...interfaceRows(namespace, top, options),
    ...bridges.flatMap((bridge) => interfaceRows(namespace, [bridge], options)),
    ...orphans(namespace, options),
    ...namespace.processes.slice(0, 2).map(({ pid, command }): Row => ({
      spans: [span(`pid ${pid} `, 'dim'), span(narrow(command), 'process')],
      marked,
    })),
  ];
  return rows.length > 0 ? rows : [{ spans: [span('no interface but lo', 'dim')], marked }];
}

/** Ports of a bond or a VRF. */
function orphans(namespace: Namespace, options: RowOptions): readonly Row[] {
  const bridges = namespace.interfaces.filter(({ kind }) => kind === 'bridge').map(({ index }) => index);
  const left = namespace.interfaces.filter(({ master }) => master !== undefined && !bridges.includes(master));
  return interfaceRows(namespace, left, options);
}

function interfaceRows(
  namespace: Namespace,
  links: readonly Interface[],
  { mark, lost, width }: RowOptions,
): readonly Row[] {
  const isLost = ({ index }: Interface): boolean =>
    lost?.has(refKey({ inode: namespace.inode, index })) === true;
  const nameWidth = Math.max(0, ...links.map(({ name }) => name.length));
  return links.flatMap((link) => {
    const { inode } = namespace;
    const ports = namespace.interfaces.filter(({ master }) => master === link.index);
    const bus = link.kind === 'bridge' && ports.length > 0;
    const marked = isMarked(mark, inode, link.index);
    const gateway = namespace.routes.find(
      ({ destination, device }) => destination === 'default' && device === link.name,
    )?.via;
    const own = lineOf(link, '', nameWidth, isLost(link));
    const beside: Span[] = gateway === undefined ? [] : [span('  gw ', 'dim'), span(gateway, 'address')];
    const fits = lengthOf([...own, ...beside]) <= width;
    const isMarkedPort = (from: number): boolean =>
      ports.slice(from).some(({ index }) => isMarked(mark, inode, index));
    const portWidth = Math.max(0, ...ports.map(({ name }) => name.length));
    return [
      {
        spans: fits ? [...own, ...beside] : own,
        ref: { inode, index: link.index },
        marked,
        bus,
        busMarked: isMarkedPort(0),
      },
      ...(fits || gateway === undefined
        ? []
        : [{ spans: [span('  gw ', 'dim'), span(gateway, 'address')], marked }]),
      ...namespace.routes
        .filter(
          ({ destination, via, device }) =>
            destination !== 'default' && via !== undefined && device === link.name,
        )
        .map(({ destination, via = '' }): Row => ({
          spans: [span(`  ${destination} via `, 'dim'), span(via, 'address')],
          marked: false,
          bus,
          busMarked: isMarkedPort(0),
        })),
      ...(bus ? ports : []).map((port, index): Row => ({
        spans: lineOf(port, index === ports.length - 1 ? '└ ' : '├ ', portWidth, isLost(port)),
        ref: { inode, index: port.index },
        marked: isMarked(mark, inode, port.index),
        bus: index < ports.length - 1,
        busMarked: isMarkedPort(index + 1),
      })),
    ];
  });
}

function lineOf(link: Interface, prefix: string, nameWidth: number, lost: boolean): Span[] {
  const addresses = shownAddresses(link).join(' ');
  const state = !link.up ? 'DOWN' : link.kind === 'veth' && !link.carrier ? 'no carrier' : '';
  const kind = ['veth', 'loopback', 'device', 'bridge'].includes(link.kind) ? '' : link.kind;
  return [
    ...(prefix === '' ? [] : [span(prefix, 'dim')]),
    span(narrow(link.name).padEnd(nameWidth), 'name'),
    span(` #${link.index}`, 'dim'),
    ...(addresses === '' ? [] : [span(`  ${addresses}`, 'address')]),
    ...(kind === '' ? [] : [span(`  ${kind}`, 'dim')]),
    ...(link.network === undefined ? [] : [span(`  ${narrow(link.network)}`, 'plain')]),
    ...(link.mtu === USUAL_MTU || link.kind === 'loopback' ? [] : [span(`  mtu ${link.mtu}`, 'dim')]),
    ...(state === '' ? [] : [span(`  ${state}`, 'warn')]),
    ...(lost ? [span(`  peer #${link.peerIndex ?? 0} unseen`, 'warn')] : []),
  ];
}

/** A summary of the firewall; the rules are listed below the picture. */
function routerRows(model: Model, { mark }: RowOptions): readonly Row[] {
  const rows: Row[] = [];
  const row = (spans: readonly Span[], marked = false): void => void rows.push({ spans, marked });
  const passive = model.namespaces.length === 1 && model.published.length === 0;
  if (!model.forwarding && !passive) row([span('forwarding is off', 'warn')]);
  const forMarked = model.published.filter((port) => mark?.published.has(port) === true);
  const ordered = [...forMarked, ...model.published.filter((port) => !forMarked.includes(port))];
  for (const port of ordered.slice(0, PORTS_SHOWN)) {
    const owner = ownerOf(model, port.toAddress);
    row(
      [
        span(`${port.protocol} `, 'dim'),
        span(askedPlace(port), 'name'),
        span(` → ${targetPlace(port)}`, 'address'),
        ...(owner === undefined ? [] : [span(` ${owner}`, 'plain')]),
      ],
      forMarked.includes(port),
    );
  }
  if (ordered.length > PORTS_SHOWN) row([span(`… and ${ordered.length - PORTS_SHOWN} more ports`, 'dim')]);
  for (const { hook, policy, table, name } of model.chains) {
    if (hook === 'forward' && policy === 'drop') row([span(`forward: ${table} ${name} drops`, 'warn')]);
  }
  return rows.length === 0 ? [] : [EMPTY, ...rows];
}

function ownerOf(model: Model, address: string): string | undefined {
  const owner = model.namespaces.find(({ interfaces }) =>
    interfaces.some(({ addresses }) => addresses.some((one) => one.split('/')[0] === address)),
  );
  return owner?.containers[0]?.name ?? owner?.label;
}

const isMarked = (mark: Mark | undefined, inode: number, index: number): boolean =>
  mark?.interfaces.has(refKey({ inode, index })) === true;

const span = (text: string, style: Style): Span => ({ text, style });
export const lengthOf = (spans: readonly Span[]): number =>
  spans.reduce((sum, { text }) => sum + text.length, 0);

/** Characters of another width than Latin, Greek and Cyrillic letters would shift the border. */
export const narrow = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\u02ff\u0370-\u052f]/g, '?');
