/**
 * Where an arrow key leads in the picture. Its parts stand in columns: the host, the cables, the other namespaces, the
 * cables beside those. Up and down stay in a column; left and right follow a cable if one is there. Pure.
 */
import type { Layout } from '../../diagnose/graph/layout.ts';
import { refKey } from '../../diagnose/graph/model.ts';
import { middleOf } from '../../diagnose/graph/shapes.ts';
import { cableNode } from './words.ts';

export type Direction = 'up' | 'down' | 'left' | 'right';

export interface Place {
  readonly key: string;
  readonly column: number;
  /** In pixels of the picture. */
  readonly x: number;
  readonly y: number;
  /** Of a cable: the keys of its ends. */
  readonly ends?: readonly string[];
}

const [HOST, CABLES, OTHERS, BESIDE] = [0, 1, 2, 3];

/** In reading order. */
export function placesOf(layout: Layout): readonly Place[] {
  const columns = new Map(layout.boxes.map(({ key }, i) => [key, i === 0 ? HOST : OTHERS]));
  const lefts = new Map(layout.boxes.map(({ key, x }) => [key, x + 2]));
  const boxes = layout.boxes.map(({ key, x, y }): Place => {
    return { key, column: columns.get(key) ?? HOST, ...middleOf({ x: x + 2, y }) };
  });
  const rows = layout.lines.flatMap(({ ref, box, y }): readonly Place[] =>
    ref === undefined
      ? []
      : [
          {
            key: refKey(ref),
            column: columns.get(box) ?? HOST,
            ...middleOf({ x: lefts.get(box) ?? 0, y }),
          },
        ],
  );
  const column = new Map(rows.map((row) => [row.key, row.column]));
  const cables = layout.cables.map(({ key, points }): Place => {
    const ends = key.split('-');
    const middle = Math.floor((points.length - 1) / 2);
    const [one = { x: 0, y: 0 }, other = one] = points.slice(middle);
    const isBeside = ends.every((end) => column.get(end) === OTHERS);
    return {
      ...{ key: cableNode(key), ends, column: isBeside ? BESIDE : CABLES },
      ...middleOf({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 }),
    };
  });
  return [...boxes, ...rows, ...cables].sort((a, b) => a.column - b.column || a.y - b.y || a.x - b.x);
}

/** @param came the part before `from`: a cable leads on, not back. */
export function neighbour(
  places: readonly Place[],
  from: Place,
  direction: Direction,
  came?: string,
): Place | undefined {
  if (direction === 'up' || direction === 'down') {
    const column = places.filter((one) => one.column === from.column);
    return column[column.findIndex(({ key }) => key === from.key) + (direction === 'up' ? -1 : 1)];
  }
  const way = direction === 'left' ? -1 : 1;
  const isThere = (one: Place): boolean => Math.sign(one.column - from.column) === way;
  const ends = places.filter((one) => isThere(one) && from.ends?.includes(one.key) === true);
  const end = ends.find(({ key }) => key !== came) ?? ends[0];
  const cable = places.find((one) => isThere(one) && one.ends?.includes(from.key) === true);
  return end ?? cable ?? nearest(inNextColumn(places.filter(isThere), from), from);
}

/** The nearest of these; of two as near, the first. */
export function nearest(places: readonly Place[], to: Place): Place | undefined {
  const far = ({ x, y, column }: Place): number =>
    Math.abs(column - to.column) * 10_000 + Math.abs(y - to.y) * 10 + Math.abs(x - to.x);
  return places.reduce<Place | undefined>(
    (best, one) => (best === undefined || far(one) < far(best) ? one : best),
    undefined,
  );
}

function inNextColumn(places: readonly Place[], { column }: Place): readonly Place[] {
  const next = Math.min(...places.map((one) => Math.abs(one.column - column)));
  return places.filter((one) => Math.abs(one.column - column) === next);
}
