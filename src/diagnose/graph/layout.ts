/**
 * The layout in cells of a character grid; the terminal and the SVG draw the same one.
 *
 *     ╔ this host ═══════╗    ┌ web ───────────┐
 *     ║ minidock0 #3     ║    │                │
 *     ║ └ mdv12ab #5     ╟────┤ eth0 #2        │──┐   cables between two boxes of
 *     ╚══════════════════╝    └────────────────┘  │   the same side run beside them
 *
 * The host stands at the left; a namespace stands at the height of the host's interface that leads to it, so that
 * most cables are straight. The others take tracks between or beside the boxes (tracks.ts).
 */
import type { Mark } from './mark.ts';
import { cableAt, refKey, type EndRef, type Model, type Namespace } from './model.ts';
import { hostRows, lengthOf, namespaceRows, narrow, type Row, type RowOptions, type Span } from './rows.ts';
import { routeCables, type Anchor, type Route } from './tracks.ts';

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly lines: readonly PlacedRow[];
  readonly buses: readonly Bus[];
  readonly cables: readonly Route[];
}

/** Each has a key that stays the same from one look to the next (numbers of the kernel), so that changes can be animated. */
export interface Box {
  readonly key: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly kind: Namespace['kind'];
  readonly title: string;
  /** At the right of the title's line. */
  readonly note: string;
  readonly marked: boolean;
}

export interface PlacedRow {
  /** Of its box. */
  readonly box: string;
  /** The interface in this row. */
  readonly ref?: EndRef;
  readonly x: number;
  readonly y: number;
  /** Cells to the border; longer text is cut. */
  readonly room: number;
  readonly spans: readonly Span[];
  readonly marked: boolean;
}

/** The vertical line from a bridge to its port, if rows lie between them. */
export interface Bus {
  readonly box: string;
  readonly x: number;
  readonly y: number;
  readonly height: number;
  readonly marked: boolean;
}

export interface LayoutOptions {
  /** Columns of the whole picture; 'natural' is as wide as the names and addresses need, so that none is cut. */
  readonly width: number | 'natural';
  readonly mark?: Mark | undefined;
}

/** Cells between the two columns of boxes, unless cables need more. */
const GAP = 4;
const NARROWEST = 26;

export function layOut(model: Model, { width, mark }: LayoutOptions): Layout {
  const [host, ...others] = model.namespaces;
  if (host === undefined) return { width: 0, height: 0, boxes: [], lines: [], buses: [], cables: [] };
  const crossing = countCrooked(model);
  const gap = GAP + 2 * crossing.middle;
  const side = crossing.side === 0 ? 0 : 1 + 2 * crossing.side;
  const free = width === 'natural' ? Infinity : width;
  const available = Math.max(free, 2 * NARROWEST + gap + side);
  const lost = new Set(model.cables.flatMap(({ a, b }) => (b === undefined ? [refKey(a)] : [])));
  const own = hostRows(model, host, { mark, lost, width: Math.max(NARROWEST, available - 2 * NARROWEST) });
  const natural = Math.max(
    NARROWEST,
    titleOf(host).length + 26,
    ...own.map(({ spans }) => lengthOf(spans) + 4),
  );
  const alone = others.length === 0;
  const left = Math.min(natural, alone ? available : available - gap - side - NARROWEST);
  const widest = width === 'natural' ? naturalWidth(others, { mark, lost, width: Infinity }) : RIGHT_WIDEST;
  const right = Math.min(widest, available - left - gap - side);
  return place(model, host, others, own, { left, right, gap, side, mark, lost });
}

const RIGHT_WIDEST = 64;

/** Command lines may be cut; names and addresses are not. */
function naturalWidth(namespaces: readonly Namespace[], options: RowOptions): number {
  const widths = namespaces.flatMap((namespace) => [
    titleOf(namespace).length + notesOf(namespace)[0].length + 7,
    ...namespaceRows(namespace, [], options).map(({ spans }) =>
      spans.some(({ style }) => style === 'process')
        ? Math.min(RIGHT_WIDEST, lengthOf(spans) + 4)
        : lengthOf(spans) + 4,
    ),
  ]);
  return Math.max(NARROWEST, ...widths);
}

interface Sizes {
  readonly left: number;
  readonly right: number;
  readonly gap: number;
  readonly side: number;
  readonly mark: Mark | undefined;
  readonly lost: ReadonlySet<string>;
}

function place(
  model: Model,
  host: Namespace,
  others: readonly Namespace[],
  own: readonly Row[],
  { left, right, gap, side, mark, lost }: Sizes,
): Layout {
  const options: RowOptions = { mark, lost, width: right - 4 };
  const boxes: Box[] = [];
  const lines: PlacedRow[] = [];
  const buses: Bus[] = [];
  const anchors = new Map<string, Anchor>();
  const waiting = new Map(others.map((namespace) => [namespace.inode, namespace]));
  const rightX = left + gap;
  let y = 1;
  let free = 0;

  const put = (row: Row, box: string, x: number, at: number, room: number, edge: number): void => {
    const ref = row.ref === undefined ? {} : { ref: row.ref };
    lines.push({ box, ...ref, x, y: at, room, spans: row.spans, marked: row.marked });
    if (row.ref !== undefined) anchors.set(refKey(row.ref), { x: edge, y: at, right: edge >= rightX });
  };
  const putNamespace = (namespace: Namespace, top: number, first: readonly number[]): void => {
    const rows = namespaceRows(namespace, first, options);
    const box = String(namespace.inode);
    rows.forEach((row, i) => put(row, box, rightX + 2, top + 1 + i, right - 4, rightX));
    drawBuses(rows, box, (i) => top + 1 + i, rightX + 2, buses);
    const height = rows.length + 2;
    boxes.push({ ...boxOf(namespace, right, mark), x: rightX, y: top, width: right, height });
    free = top + height;
    // Its only neighbours come right below it.
    for (const { index } of namespace.interfaces) {
      const end = cableAt(model, { inode: namespace.inode, index })?.other;
      const next = end === undefined ? undefined : waiting.get(end.inode);
      if (end === undefined || next === undefined) continue;
      if (endsTowards(model, next, host.inode).length > 0) continue;
      waiting.delete(next.inode);
      putNamespace(next, free, [end.index]);
    }
  };

  const heights: number[] = [];
  for (const row of own) {
    const peer = row.ref === undefined ? undefined : cableAt(model, row.ref)?.other;
    const namespace = peer === undefined ? undefined : waiting.get(peer.inode);
    if (namespace !== undefined && peer !== undefined) {
      y = Math.max(y, free + 1);
      waiting.delete(namespace.inode);
      putNamespace(namespace, y - 1, [peer.index, ...endsTowards(model, namespace, host.inode)]);
    }
    put(row, String(host.inode), 2, y, left - 4, left - 1);
    heights.push(y);
    y += 1;
  }
  drawBuses(own, String(host.inode), (i) => heights[i] ?? 0, 2, buses);
  for (const namespace of waiting.values()) {
    // Placed meanwhile, below one before it.
    if (waiting.delete(namespace.inode)) putNamespace(namespace, free, []);
  }
  boxes.unshift({ ...boxOf(host, left, mark), x: 0, y: 0, width: left, height: y + 1 });

  const height = Math.max(y + 1, free);
  const cables = routeCables(model, anchors, {
    leftEdge: left - 1,
    rightEdge: rightX,
    farEdge: rightX + right - 1,
    mark,
  });
  const width = others.length === 0 ? left : rightX + right + side;
  return { width, height, boxes, lines, buses, cables };
}

/** From one row of the bus to the next; the rows between only pass it on. */
function drawBuses(
  rows: readonly Row[],
  box: string,
  yOf: (row: number) => number,
  x: number,
  buses: Bus[],
): void {
  rows.forEach((row, i) => {
    if (row.bus !== true) return;
    const next = rows.findIndex((other, j) => j > i && other.ref !== undefined);
    const [from, to] = [yOf(i) + 1, yOf(next)];
    if (next > i && to > from)
      buses.push({ box, x, y: from, height: to - from, marked: row.busMarked === true });
  });
}

function boxOf(namespace: Namespace, width: number, mark: Mark | undefined): Omit<Box, 'x' | 'y' | 'height'> {
  const title = titleOf(namespace);
  const room = width - title.length - 7;
  const note = notesOf(namespace).find((text) => text.length <= room) ?? '';
  const key = String(namespace.inode);
  return { key, width, kind: namespace.kind, title, note, marked: mark?.inode === namespace.inode };
}

/** The longest first. */
function notesOf(namespace: Namespace): readonly [string, ...string[]] {
  const inode = `net:[${namespace.inode}]`;
  const [, path = ''] = /^\/run\/netns\/(.+)$/.exec(namespace.path) ?? [];
  const name = narrow(path);
  const named = name === '' || name === titleOf(namespace) ? [] : [name];
  return [[...named, inode].join(' '), ...named, inode, String(namespace.inode)];
}

const titleOf = ({ label }: Namespace): string => narrow(label);

function endsTowards(model: Model, namespace: Namespace, inode: number): readonly number[] {
  return namespace.interfaces
    .filter(({ index }) => cableAt(model, { inode: namespace.inode, index })?.other?.inode === inode)
    .map(({ index }) => index);
}

/** The largest number of cables that need a track: all but the first between the host and each namespace. */
function countCrooked(model: Model): { middle: number; side: number } {
  const straight = new Set<number>();
  let middle = 0;
  let side = 0;
  for (const { a, b } of model.cables) {
    if (b === undefined) continue;
    const other = outsideOf(model, a, b);
    if (other === undefined) {
      if (a.inode === model.here) middle += 1;
      else side += 1;
    } else if (straight.has(other)) middle += 1;
    else straight.add(other);
  }
  return { middle, side };
}

/** The namespace at the other side of a cable of the host; undefined for a cable that stays on one side. */
function outsideOf({ here }: Model, a: EndRef, b: EndRef): number | undefined {
  if ((a.inode === here) === (b.inode === here)) return undefined;
  return a.inode === here ? b.inode : a.inode;
}
