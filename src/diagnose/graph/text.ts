/**
 * The layout with box-drawing characters, or with ASCII where the locale has no UTF-8. Heavy lines highlight the
 * marked path without colour too.
 */
import { noColors, type Colors } from '../../ui/colors.ts';
import type { Bus, Layout, PlacedRow } from './layout.ts';
import type { Style } from './rows.ts';
import type { Point, Route } from './tracks.ts';

export interface TextOptions {
  readonly ascii?: boolean;
  readonly colors?: Colors;
}

type Look = Style | 'mark' | 'line' | 'down';

export function drawText(layout: Layout, { ascii = false, colors = noColors }: TextOptions = {}): string {
  const grid = new Grid(layout.width, layout.height);
  for (const box of layout.boxes) {
    const look: Look = box.marked ? 'mark' : 'line';
    const set = box.kind === 'host' ? DOUBLE : box.marked ? HEAVY : LIGHT;
    const [right, bottom] = [box.x + box.width - 1, box.y + box.height - 1];
    for (let x = box.x + 1; x < right; x++) for (const y of [box.y, bottom]) grid.put(x, y, set.across, look);
    for (let y = box.y + 1; y < bottom; y++) for (const x of [box.x, right]) grid.put(x, y, set.down, look);
    grid.put(box.x, box.y, set.topLeft, look);
    grid.put(right, box.y, set.topRight, look);
    grid.put(box.x, bottom, set.bottomLeft, look);
    grid.put(right, bottom, set.bottomRight, look);
    grid.write(box.x + 1, box.y, ` ${cut(box.title, box.width - 5)} `, box.marked ? 'mark' : 'name');
    if (box.note !== '') grid.write(right - box.note.length - 2, box.y, ` ${box.note} `, 'dim');
  }
  for (const bus of layout.buses) drawBus(grid, bus);
  for (const row of layout.lines) drawRow(grid, row);
  for (const route of layout.cables) drawCable(grid, route);
  return grid.render(colors, ascii);
}

const LIGHT = { across: '─', down: '│', topLeft: '┌', topRight: '┐', bottomLeft: '└', bottomRight: '┘' };
const HEAVY = { across: '━', down: '┃', topLeft: '┏', topRight: '┓', bottomLeft: '┗', bottomRight: '┛' };
const DOUBLE = { across: '═', down: '║', topLeft: '╔', topRight: '╗', bottomLeft: '╚', bottomRight: '╝' };

function drawBus(grid: Grid, { x, y, height, marked }: Bus): void {
  for (let i = 0; i < height; i++) grid.put(x, y + i, marked ? '┃' : '│', marked ? 'mark' : 'dim');
}

function drawRow(grid: Grid, { x, y, room, spans, marked }: PlacedRow): void {
  const all = spans.map(({ text }) => text).join('');
  let left = all.length > room ? room - 1 : room;
  let at = x;
  for (const { text, style } of spans) {
    const shown = text.slice(0, Math.max(0, left));
    grid.write(at, y, shown, marked && style !== 'warn' ? 'mark' : style);
    at += shown.length;
    left -= shown.length;
  }
  if (all.length > room) grid.write(at, y, '…', 'dim');
}

function drawCable(grid: Grid, { points, up, marked, open = false }: Route): void {
  const look: Look = marked ? 'mark' : up ? 'line' : 'down';
  const across = marked ? '━' : up ? '─' : '╌';
  const down = marked ? '┃' : up ? '│' : '╎';
  points.forEach((to, i) => {
    const from = points[i - 1];
    if (from === undefined) return;
    const [left, right] = from.x < to.x ? [from.x, to.x] : [to.x, from.x];
    const [top, bottom] = from.y < to.y ? [from.y, to.y] : [to.y, from.y];
    if (from.y === to.y) {
      for (let x = left + 1; x < right; x++)
        if (!grid.isVertical(x, to.y) || marked) grid.put(x, to.y, across, look);
    } else for (let y = top + 1; y < bottom; y++) grid.put(to.x, y, down, look);
  });
  for (const [i, corner] of points.entries()) {
    const [before, after] = [points[i - 1], points[i + 1]];
    if (before !== undefined && after !== undefined)
      grid.put(corner.x, corner.y, cornerOf(before, corner, after, marked), look);
  }
  const [first, second, last, beforeLast] = [points[0], points[1], points.at(-1), points.at(-2)];
  if (first !== undefined && second !== undefined) joinBox(grid, first, second, marked);
  if (last !== undefined && beforeLast !== undefined && !open) joinBox(grid, last, beforeLast, marked);
}

const cut = (text: string, room: number): string =>
  text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text;

/** Where a cable meets the border of a box. */
function joinBox(grid: Grid, at: Point, towards: Point, marked: boolean): void {
  const toRight = towards.x > at.x;
  const border = grid.at(at.x, at.y);
  const joints: Readonly<Record<string, readonly [string, string]>> = {
    '║': ['╟', '╢'],
    '│': marked ? ['┝', '┥'] : ['├', '┤'],
    '┃': marked ? ['┣', '┫'] : ['┠', '┨'],
  };
  const joint = joints[border];
  if (joint !== undefined) grid.put(at.x, at.y, joint[toRight ? 0 : 1], marked ? 'mark' : 'line');
}

function cornerOf(before: Point, at: Point, after: Point, marked: boolean): string {
  const [level, upright] = before.y === at.y ? [before, after] : [after, before];
  const set = marked ? HEAVY : LIGHT;
  if (level.x < at.x) return upright.y > at.y ? set.topRight : set.bottomRight;
  return upright.y > at.y ? set.topLeft : set.bottomLeft;
}

class Grid {
  private readonly cells: { char: string; look: Look }[][];

  constructor(width: number, height: number) {
    const blank = (): { char: string; look: Look } => ({ char: ' ', look: 'plain' });
    this.cells = Array.from({ length: height }, () => Array.from({ length: width }, blank));
  }

  put(x: number, y: number, char: string, look: Look): void {
    const row = this.cells[y];
    if (row?.[x] !== undefined) row[x] = { char, look };
  }

  at(x: number, y: number): string {
    return this.cells[y]?.[x]?.char ?? ' ';
  }

  isVertical(x: number, y: number): boolean {
    return '│┃╎'.includes(this.at(x, y));
  }

  write(x: number, y: number, text: string, look: Look): void {
    [...text].forEach((char, i) => this.put(x + i, y, char, look));
  }

  render({ bold, dim, green, yellow, cyan, red }: Colors, ascii: boolean): string {
    const same = (text: string): string => text;
    const paints: Readonly<Record<Look, (text: string) => string>> = {
      plain: same,
      name: bold,
      dim,
      address: cyan,
      warn: yellow,
      process: same,
      mark: (text) => bold(green(text)),
      line: same,
      down: red,
    };
    return this.cells
      .map((row) => {
        const end = row.findLastIndex(({ char }) => char !== ' ') + 1;
        let line = '';
        for (let i = 0; i < end;) {
          const look = row[i]?.look ?? 'plain';
          let run = '';
          for (; i < end && (row[i]?.look ?? 'plain') === look; i++) run += row[i]?.char ?? ' ';
          line += paints[look](ascii ? toAscii(run) : run);
        }
        return `${line}\n`;
      })
      .join('');
  }
}

const ASCII: Readonly<Record<string, string>> = {
  '─': '-',
  '━': '=',
  '═': '=',
  '╌': '.',
  '│': '|',
  '┃': '#',
  '║': '|',
  '╎': ':',
  '→': '>',
  '…': '~',
};

/** One character for one: corners and joints become a plus. */
export const toAscii = (text: string): string =>
  text.replace(/[^\n\x1b\x20-\x7e]/g, (char) => ASCII[char] ?? (/[\u2500-\u257f]/.test(char) ? '+' : '?'));
