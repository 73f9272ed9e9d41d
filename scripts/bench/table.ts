/** The results as text: one Markdown table of rows with median, spread and verdicts, and one of what grows how. */
import { judge, SUBJECT, RIVALS, type Row, type Unit, type Verdict } from './row.ts';
import { exponent, slope, summarize, type Point } from './statistics.ts';

/** Three digits that count, in the unit that keeps them short. */
export function formatFigure(value: number, unit: Unit): string {
  if (unit === 'ms' && value >= 10_000) return `${digits(value / 1000)} s`;
  if (unit === 'per s') return `${digits(value)}/s`;
  return `${digits(value)} ${unit}`;
}

export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || size === 0) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

/** '7.60 ms (7.21–8.12)', without the spread if there was one round only. */
export function formatCell(samples: readonly number[] | undefined, unit: Unit): string {
  if (samples === undefined || samples.length === 0) return '';
  const { median, p10, p90, count } = summarize(samples);
  const scale = unit === 'ms' && median >= 10_000 ? 1000 : 1;
  const spread = count === 1 ? '' : ` (${digits(p10 / scale)}–${digits(p90 / scale)})`;
  return formatFigure(median, unit) + spread;
}

export function formatVerdict({ target, value, met }: Verdict): string {
  if (met === undefined || value === undefined) return `${target}: not measured`;
  return `${target}: ${digits(value)} ${met ? 'met' : 'MISSED'}`;
}

export function renderTable(rows: readonly Row[]): string {
  const columns = [SUBJECT, ...RIVALS];
  const head = ['work', ...columns, 'beside', 'targets'];
  const lines = rows.map((row) => [
    row.title,
    ...columns.map((name) => formatCell(row.samples[name], row.unit)),
    Object.entries(row.samples)
      .filter(([name]) => !columns.includes(name))
      .map(([name, samples]) => `${name} ${formatCell(samples, row.unit)}`)
      .join('; '),
    judge(row).map(formatVerdict).join('; '),
  ]);
  return renderColumns([head, ...lines]);
}

/** '12 targets met, 3 missed, 1 not measured'. */
export function renderSummary(rows: readonly Row[]): string {
  const verdicts = rows.flatMap(judge);
  const count = (met: boolean | undefined): number =>
    verdicts.filter((verdict) => verdict.met === met).length;
  return `${count(true)} targets met, ${count(false)} missed, ${count(undefined)} not measured`;
}

export interface Growth {
  /** 'start, by containers running'. */
  readonly title: string;
  readonly unit: Unit;
  readonly points: Readonly<Record<string, readonly Point[]>>;
}

export function renderGrowth(growths: readonly Growth[]): string {
  const lines = growths.flatMap(({ title, unit, points }) =>
    Object.entries(points).map(([subject, list]) => [
      title,
      subject,
      list.map(({ size, cost }) => `${size.toLocaleString('en-US')}: ${formatFigure(cost, unit)}`).join(', '),
      `${(slope(list) * 1000).toPrecision(3)} ${unit}`,
      `size^${exponent(list).toFixed(2)}`,
    ]),
  );
  return renderColumns([['what grows', 'with', 'size: cost', 'per 1,000 more', 'cost ~'], ...lines]);
}

/** A Markdown table that is also one in a terminal. */
function renderColumns(lines: readonly (readonly string[])[]): string {
  const [head = [], ...body] = lines;
  const widths = head.map((_, i) => Math.max(3, ...lines.map((line) => line[i]?.length ?? 0)));
  const render = (line: readonly string[]): string =>
    `| ${widths.map((width, i) => (line[i] ?? '').padEnd(width)).join(' | ')} |`;
  return [
    render(head),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...body.map(render),
  ].join('\n');
}
