/** The layout as a self-contained SVG picture: no script, no style sheet, the system's monospaced font. */
import type { Box, Layout, PlacedRow } from './layout.ts';
import type { Style } from './rows.ts';
import type { Route } from './tracks.ts';

/** Pixels of a cell; monospaced letters are six tenths as wide as high. */
const WIDTH = 8.4;
const HEIGHT = 20;
const FONT = 14;
const MARGIN = 16;

const INK = '#22303c';
const MARK = '#d9480f';
const DOWN = '#c92a2a';
const FILL: Readonly<Record<Box['kind'], { readonly back: string; readonly head: string }>> = {
  host: { back: '#f4f8fd', head: '#cfe2f7' },
  container: { back: '#f3fbf5', head: '#c9ecd3' },
  namespace: { back: '#fbf8f1', head: '#efe3c4' },
};
const COLOR: Readonly<Record<Style, string>> = {
  plain: INK,
  name: INK,
  dim: '#6b7780',
  address: '#0b6e99',
  warn: DOWN,
  process: '#5f3dc4',
};

export function drawSvg(layout: Layout, title: string): string {
  const width = Math.ceil(layout.width * WIDTH) + 2 * MARGIN;
  const height = layout.height * HEIGHT + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<g transform="translate(${MARGIN} ${MARGIN})" font-family="'DejaVu Sans Mono', 'Liberation Mono', monospace" font-size="${FONT}">`,
    ...layout.boxes.map(boxShape),
    ...layout.buses.map(({ x, y, height: rows, marked }) => {
      const at = px(x + 0.5);
      return `<path d="M${at} ${y * HEIGHT}V${(y + rows) * HEIGHT}" ${stroke(marked ? MARK : '#90a0ad', marked ? 3 : 1.5)}/>`;
    }),
    ...layout.cables.map(cableShape),
    ...layout.lines.map(rowShape),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function boxShape({ x, y, width, height, kind, title, note, marked }: Box): string {
  const { back, head } = FILL[kind];
  const [left, top, w, h] = [px(x), y * HEIGHT + 1, px(width), height * HEIGHT - 4];
  const line = stroke(marked ? MARK : '#7b8b99', marked ? 2.5 : 1.2, back);
  return [
    `<rect x="${left}" y="${top}" width="${w}" height="${h}" rx="6" ${line}/>`,
    `<path d="M${left + 1} ${top + HEIGHT}v${-HEIGHT + 7}q0 -6 6 -6h${w - 14}q6 0 6 6v${HEIGHT - 7}z" fill="${head}"/>`,
    text(x + 1.5, y, [{ text: title, color: INK, bold: true }]),
    ...(note === '' ? [] : [text(x + width - 1.5 - note.length, y, [{ text: note, color: COLOR.dim }])]),
  ].join('\n');
}

function rowShape({ x, y, room, spans, marked }: PlacedRow): string {
  let left = room;
  const parts = spans.map((span) => {
    const shown = span.text.length > left ? `${span.text.slice(0, Math.max(0, left - 1))}…` : span.text;
    left -= Math.min(left, span.text.length);
    const color = marked && span.style !== 'warn' && span.style !== 'dim' ? MARK : COLOR[span.style];
    return { text: shown, color, bold: span.style === 'name' };
  });
  return text(x, y, parts);
}

function cableShape({ points, up, marked, open = false }: Route): string {
  const path = points
    .map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${px(x + 0.5)} ${(y + 0.5) * HEIGHT}`)
    .join('');
  const color = marked ? MARK : up ? '#3b5b75' : DOWN;
  const dashes = up ? '' : ' stroke-dasharray="5 4"';
  const ends = [points[0], open ? undefined : points.at(-1)].flatMap((end) =>
    end === undefined
      ? []
      : [
          `<circle cx="${px(end.x + 0.5)}" cy="${(end.y + 0.5) * HEIGHT}" r="${marked ? 4.5 : 3.5}" fill="${color}"/>`,
        ],
  );
  return [
    `<path d="${path}" ${stroke(color, marked ? 3.5 : 2)} stroke-linejoin="round"${dashes}/>`,
    ...ends,
  ].join('\n');
}

interface Part {
  readonly text: string;
  readonly color: string;
  readonly bold?: boolean;
}

/** One element for each word or two, so that another font's widths do not add up. */
function text(x: number, y: number, parts: readonly Part[]): string {
  let at = x;
  const lines: string[] = [];
  for (const part of parts) {
    const lead = part.text.length - part.text.trimStart().length;
    if (part.text.trim() !== '') {
      const weight = part.bold === true ? ' font-weight="bold"' : '';
      const where = `x="${px(at + lead)}" y="${y * HEIGHT + 15}"`;
      lines.push(`<text ${where} fill="${part.color}"${weight}>${escape(part.text.trim())}</text>`);
    }
    at += part.text.length;
  }
  return lines.join('\n');
}

const px = (cells: number): number => Math.round(cells * WIDTH * 10) / 10;

const stroke = (color: string, width: number, fill = 'none'): string =>
  `fill="${fill}" stroke="${color}" stroke-width="${width}"`;

/** Escapes text and attributes of XML, which allows no control characters. */
const escape = (value: string): string =>
  value
    .replace(/\p{Cc}/gu, '?')
    .replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
