/** The shapes as a self-contained SVG picture: no script, no style sheet, the system's monospaced font. */
import type { Layout } from './layout.ts';
import { CELL, partsOf, px, type Ink, type Shape } from './shapes.ts';

const MARGIN = 16;

const COLOR: Readonly<Record<Ink, string>> = {
  plain: '#22303c',
  name: '#22303c',
  dim: '#6b7780',
  address: '#0b6e99',
  warn: '#c92a2a',
  process: '#5f3dc4',
  mark: '#d9480f',
  down: '#c92a2a',
  cable: '#3b5b75',
  bus: '#90a0ad',
  frame: '#7b8b99',
  'host-back': '#f4f8fd',
  'host-head': '#cfe2f7',
  'container-back': '#f3fbf5',
  'container-head': '#c9ecd3',
  'namespace-back': '#fbf8f1',
  'namespace-head': '#efe3c4',
};

export function drawSvg(layout: Layout, title: string): string {
  const width = Math.ceil(px(layout.width)) + 2 * MARGIN;
  const height = layout.height * CELL.height + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<g transform="translate(${MARGIN} ${MARGIN})" font-family="'DejaVu Sans Mono', 'Liberation Mono', monospace" font-size="${CELL.font}">`,
    ...partsOf(layout).flatMap(({ shapes }) => shapes.map(element)),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function element({ tag, at, fill, stroke, dashed, round, bold, text }: Shape): string {
  const attributes: Record<string, string | number> = {
    ...at,
    fill: fill === undefined ? 'none' : COLOR[fill],
    ...(stroke === undefined ? {} : { stroke: COLOR[stroke.ink], 'stroke-width': stroke.width }),
    ...(round === true ? { 'stroke-linejoin': 'round' } : {}),
    ...(dashed === true ? { 'stroke-dasharray': '5 4' } : {}),
    ...(bold === true ? { 'font-weight': 'bold' } : {}),
  };
  const words = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  return `<${tag}${words.join('')}${text === undefined ? '/>' : `>${escape(text)}</${tag}>`}`;
}

/** Escapes text and attributes of XML, which allows no control characters. */
const escape = (value: string): string =>
  value
    .replace(/\p{Cc}/gu, '?')
    .replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
