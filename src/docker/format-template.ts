/** The rows of a list through a template of the user's: `--format '{{.ID}}'`, 'table {{.Names}}\t{{.Image}}', 'json'. */
import { MinidockError } from '../../runtime/errors.ts';
import { oneLine } from '../../runtime/printable.ts';
import type { Cell, ListStyle, Row } from './rows.ts';
import { LIST_ROW } from './go-template/printing.ts';
import { compileTemplate } from './go-template/template.ts';
import { goStruct } from './go-template/value.ts';
import { alignColumns } from '../ui/table.ts';

/** @throws MinidockError TEMPLATE_INVALID. */
export function formatWithTemplate(rows: readonly Row[], style: ListStyle, asked: string): string {
  const format = asked === 'json' ? '{{json .}}' : asked;
  const isTable = format.startsWith('table');
  const text = (isTable ? format.slice('table'.length) : format)
    .replace(/^ +| +$/g, '')
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n');
  const template = compileTemplate(text);
  const lines = withFieldNames(style, () => [
    ...(isTable ? [template.execute(goStruct(headings(rows, style), LIST_ROW), { heading: true })] : []),
    ...rows.map((row) => template.execute(goStruct(sortFields(isTable ? toCells(row) : row), LIST_ROW))),
  ]);
  if (lines.length === 0) return '';
  const output = lines.join('\n');
  return `${isTable ? alignColumns(output) : output}\n`;
}

/** A line end or a tab in a field would look like another row or column. */
const toCells = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, cell]): [string, Cell] => [
      name,
      typeof cell === 'string' ? oneLine(cell) : (argument) => oneLine(cell(argument)),
    ]),
  );

/** `--format json` prints fields by name. */
const sortFields = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));

function headings(rows: readonly Row[], style: ListStyle): Row {
  const methods = Object.entries(rows[0] ?? {}).filter(([, cell]) => typeof cell === 'function');
  const named = methods.map(([name]): [string, Cell] => [name, (argument) => argument]);
  return { Label: (argument: string) => argument, ...Object.fromEntries(named), ...style.columns };
}

function withFieldNames<T>(style: ListStyle, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof MinidockError) || !error.message.includes("can't evaluate field")) throw error;
    const names = Object.keys(style.columns).map((name) => `.${name}`);
    throw new MinidockError({
      code: error.code,
      message: error.message,
      hint: `the fields of this list are ${names.join(', ')}`,
      cause: error,
    });
  }
}
