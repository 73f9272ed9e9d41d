/**
 * The table as a picture: a group of bars a row, each row with a scale of its own that begins at zero, since a
 * pull and a `ps` have no common one. Plain SVG that reads on white and on dark alike.
 */
import { SUBJECT, type Row } from './row.ts';
import { formatFigure } from './table.ts';
import { percentile } from './statistics.ts';

const WIDTH = 860;
const LABEL = 330;
const BAR = 14;
const GAP = 12;
const FULL = WIDTH - LABEL - 190;
const COLOURS: Readonly<Record<string, string>> = {
  [SUBJECT]: '#2f9e44',
  docker: '#1c7ed6',
  podman: '#9c36b5',
};

export function renderChart(rows: readonly Row[], caption: string): string {
  const parts: string[] = [text(8, 20, caption, 'font-weight="bold"')];
  let y = 40;
  for (const row of rows) {
    const bars = Object.entries(row.samples)
      .filter(([, samples]) => samples.length > 0)
      .map(([name, samples]) => ({ name, value: percentile(samples, 0.5) }));
    const longest = Math.max(...bars.map(({ value }) => value));
    parts.push(text(8, y + BAR - 3, `${row.title}${row.better === 'higher' ? ' (more is better)' : ''}`));
    for (const { name, value } of bars) {
      const length = longest > 0 ? Math.max(1, (value / longest) * FULL) : 1;
      const colour = COLOURS[name] ?? '#868e96';
      parts.push(
        `<rect x="${LABEL}" y="${y}" width="${length.toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>`,
      );
      parts.push(text(LABEL + length + 5, y + BAR - 4, `${name} ${formatFigure(value, row.unit)}`));
      y += BAR;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function text(x: number, y: number, words: string, more = ''): string {
  const escaped = words.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  return `<text x="${x.toFixed(1)}" y="${y}" fill="#212529" ${more}>${escaped}</text>`;
}
