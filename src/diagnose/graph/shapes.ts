/**
 * The layout as shapes of SVG, colours by name: svg.ts writes them as text, the page of `minidock ui` makes elements of
 * them. A shape belongs to a part, the box of a namespace or a cable, whose key stays the same while it exists. Pure:
 * no document, no escaping.
 */
import type { EndRef } from './model.ts';
import type { Box, Bus, Layout, PlacedRow } from './layout.ts';
import type { Style } from './rows.ts';
import type { Route } from './tracks.ts';

/** Pixels of a cell; monospaced letters are six tenths as wide as high. */
export const CELL = { width: 8.4, height: 20, font: 14 } as const;

export type Ink =
  Style | 'mark' | 'down' | 'cable' | 'bus' | 'frame' | `${Box['kind']}-back` | `${Box['kind']}-head`;

export interface Shape {
  readonly tag: 'rect' | 'path' | 'circle' | 'text';
  /** Attributes of geometry. */
  readonly at: Readonly<Record<string, string | number>>;
  readonly fill?: Ink;
  readonly stroke?: { readonly ink: Ink; readonly width: number };
  readonly dashed?: boolean;
  readonly round?: boolean;
  readonly bold?: boolean;
  readonly text?: string;
  /** The interface that this text is about. */
  readonly ref?: EndRef;
}

export interface Part {
  readonly key: string;
  readonly kind: 'box' | 'bus' | 'cable' | 'rows';
  readonly shapes: readonly Shape[];
}

/** From back to front. */
export function partsOf(layout: Layout): readonly Part[] {
  return [
    ...layout.boxes.map((box): Part => ({ key: box.key, kind: 'box', shapes: boxShapes(box) })),
    ...layout.buses.map((bus): Part => ({ key: bus.box, kind: 'bus', shapes: [busShape(bus)] })),
    ...layout.cables.map((cable): Part => ({ key: cable.key, kind: 'cable', shapes: cableShapes(cable) })),
    ...layout.lines.map((row): Part => ({ key: row.box, kind: 'rows', shapes: rowShapes(row) })),
  ];
}

export const px = (cells: number): number => Math.round(cells * CELL.width * 10) / 10;

/** The middle of a cell. */
export const middleOf = ({ x, y }: { readonly x: number; readonly y: number }): { x: number; y: number } => ({
  x: px(x + 0.5),
  y: (y + 0.5) * CELL.height,
});

function boxShapes({ x, y, width, height, kind, title, note, marked }: Box): readonly Shape[] {
  const { height: row } = CELL;
  const [left, top, w, h] = [px(x), y * row + 1, px(width), height * row - 4];
  const head = `M${left + 1} ${top + row}v${-row + 7}q0 -6 6 -6h${w - 14}q6 0 6 6v${row - 7}z`;
  return [
    {
      tag: 'rect',
      at: { x: left, y: top, width: w, height: h, rx: 6 },
      fill: `${kind}-back`,
      stroke: marked ? { ink: 'mark', width: 2.5 } : { ink: 'frame', width: 1.2 },
    },
    { tag: 'path', at: { d: head }, fill: `${kind}-head` },
    ...textShapes(x + 1.5, y, [{ text: title, ink: 'plain', bold: true }]),
    ...(note === '' ? [] : textShapes(x + width - 1.5 - note.length, y, [{ text: note, ink: 'dim' }])),
  ];
}

function busShape({ x, y, height, marked }: Bus): Shape {
  const d = `M${px(x + 0.5)} ${y * CELL.height}V${(y + height) * CELL.height}`;
  return {
    tag: 'path',
    at: { d },
    stroke: marked ? { ink: 'mark', width: 3 } : { ink: 'bus', width: 1.5 },
  };
}

function cableShapes({ points, up, marked, open = false }: Route): readonly Shape[] {
  const at = points.map(middleOf);
  const d = at.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`).join('');
  const ink = marked ? 'mark' : up ? 'cable' : 'down';
  const ends = [at[0], open ? undefined : at.at(-1)].filter((end) => end !== undefined);
  return [
    { tag: 'path', at: { d }, stroke: { ink, width: marked ? 3.5 : 2 }, round: true, dashed: !up },
    ...ends.map(({ x, y }): Shape => ({
      tag: 'circle',
      at: { cx: x, cy: y, r: marked ? 4.5 : 3.5 },
      fill: ink,
    })),
  ];
}

function rowShapes({ x, y, room, spans, marked, ref }: PlacedRow): readonly Shape[] {
  let left = room;
  const words = spans.map((span): Word => {
    const shown = span.text.length > left ? `${span.text.slice(0, Math.max(0, left - 1))}…` : span.text;
    left -= Math.min(left, span.text.length);
    const ink = marked && span.style !== 'warn' && span.style !== 'dim' ? 'mark' : span.style;
    return { text: shown, ink, bold: span.style === 'name' };
  });
  return textShapes(x, y, words).map((shape) => (ref === undefined ? shape : { ...shape, ref }));
}

interface Word {
  readonly text: string;
  readonly ink: Ink;
  readonly bold?: boolean;
}

/** One element for each word or two, so that another font's widths do not add up. */
function textShapes(x: number, y: number, words: readonly Word[]): readonly Shape[] {
  let at = x;
  return words.flatMap(({ text, ink, bold = false }): readonly Shape[] => {
    const start = at + text.length - text.trimStart().length;
    at += text.length;
    const where = { x: px(start), y: y * CELL.height + 15 };
    return text.trim() === '' ? [] : [{ tag: 'text', at: where, fill: ink, bold, text: text.trim() }];
  });
}
