/**
 * The ways of cables between boxes, at right angles. A cable whose ends are at one height goes straight across; any
 * other one gets a vertical track, the first on which it neither lies upon another track nor runs along another
 * cable's horizontal part. Two cables may cross.
 */
import type { Mark } from './mark.ts';
import { findEnd, refKey, type Cable, type Model } from './model.ts';

/** Where a cable leaves a box: the border's column and the interface's line. */
export interface Anchor {
  readonly x: number;
  readonly y: number;
  /** Of a box of the right column. */
  readonly right: boolean;
}

export interface Route {
  /** Of the cable: stable from one look to the next. */
  readonly key: string;
  /** Corners, the first and last on the borders of boxes. `open`: the other end is unknown. */
  readonly points: readonly Point[];
  readonly open?: boolean;
  readonly up: boolean;
  readonly marked: boolean;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Edges {
  /** The host's right border, the left and the right border of the boxes at its right. */
  readonly leftEdge: number;
  readonly rightEdge: number;
  readonly farEdge: number;
  readonly mark: Mark | undefined;
}

export function routeCables(
  model: Model,
  anchors: ReadonlyMap<string, Anchor>,
  edges: Edges,
): readonly Route[] {
  const middle = new Tracks(edges.leftEdge, edges.leftEdge + 2);
  const side = new Tracks(edges.farEdge, edges.farEdge + 2);
  const drawn: Route[] = [];
  const crooked: { cable: Cable; a: Anchor; b: Anchor }[] = [];
  for (const cable of model.cables) {
    const a = anchors.get(refKey(cable.a));
    const b = cable.b === undefined ? undefined : anchors.get(refKey(cable.b));
    if (a === undefined) continue;
    const looks = looksOf(model, cable, edges.mark);
    if (b === undefined) {
      const from = a.right ? edges.farEdge : edges.leftEdge;
      const points = [point(from, a.y), point(from + OPEN, a.y)];
      drawn.push({ points, open: true, ...looks });
    } else if (a.right !== b.right && a.y === b.y) {
      middle.occupy(a.y, edges.leftEdge, edges.rightEdge);
      drawn.push({ points: [point(edges.leftEdge, a.y), point(edges.rightEdge, a.y)], ...looks });
    } else crooked.push({ cable, a, b });
  }
  for (const { cable, a, b } of crooked) {
    const tracks = a.right && b.right ? side : middle;
    const edgeOf = ({ right }: Anchor): number =>
      !right ? edges.leftEdge : tracks === side ? edges.farEdge : edges.rightEdge;
    const x = tracks.choose({ x: edgeOf(a), y: a.y }, { x: edgeOf(b), y: b.y });
    drawn.push({
      points: [point(edgeOf(a), a.y), point(x, a.y), point(x, b.y), point(edgeOf(b), b.y)],
      ...looksOf(model, cable, edges.mark),
    });
  }
  // Marked ones last, so that they lie on top where two cross.
  return drawn.sort((one, other) => Number(one.marked) - Number(other.marked));
}

class Tracks {
  private readonly horizontal: { y: number; from: number; to: number }[] = [];
  private readonly vertical: { x: number; from: number; to: number }[] = [];

  constructor(
    private readonly edge: number,
    private readonly first: number,
  ) {}

  occupy(y: number, from: number, to: number): void {
    this.horizontal.push({ y, from: Math.min(from, to), to: Math.max(from, to) });
  }

  choose(a: Point, b: Point): number {
    const [top, bottom] = a.y < b.y ? [a.y, b.y] : [b.y, a.y];
    for (let x = this.first; ; x += 2) {
      const crowded =
        this.vertical.some((other) => other.x === x && other.from <= bottom && top <= other.to) ||
        [a, b].some((end) => this.isOccupied(end.y, Math.min(x, end.x), Math.max(x, end.x)));
      if (crowded && x < this.edge + 200) continue;
      this.vertical.push({ x, from: top, to: bottom });
      this.occupy(a.y, a.x, x);
      this.occupy(b.y, b.x, x);
      return x;
    }
  }

  private isOccupied(y: number, from: number, to: number): boolean {
    return this.horizontal.some((other) => other.y === y && other.from < to && from < other.to);
  }
}

function looksOf(model: Model, cable: Cable, mark: Mark | undefined): Pick<Route, 'key' | 'up' | 'marked'> {
  const ends = [cable.a, ...(cable.b === undefined ? [] : [cable.b])];
  return {
    key: ends.map(refKey).join('-'),
    up: ends.every((end) => findEnd(model, end)?.link.up === true),
    marked: mark !== undefined && ends.every((end) => mark.interfaces.has(refKey(end))),
  };
}

/** Cells. */
const OPEN = 2;

const point = (x: number, y: number): Point => ({ x, y });
