/**
 * What every list command prints its rows through: a table by default, one column with -q, else `--format`:
 * 'table', 'table TEMPLATE' with headings, 'json' (one object a line), or a template for each row.
 *
 * A row offers its fields as text, and as a function where a template may give an argument (`{{.Label "x"}}`);
 * in a heading such a column is named after that argument, as Docker does.
 */
import { compileTemplate } from './go-template/template.ts';
import { goStruct } from './go-template/value.ts';
import { MinidockError } from '../../runtime/errors.ts';
import { alignColumns } from './table.ts';

/** A cell: its text, or a method such as `.Label "x"` that a template may call. */
export type Cell = string | ((argument: string) => string);
export type Row = Readonly<Record<string, Cell>>;

export interface ListStyle {
  /** Field name to column heading: `{ ID: 'CONTAINER ID', Names: 'NAMES' }`. */
  readonly columns: Readonly<Record<string, string>>;
  /** The columns of the plain table, in order. */
  readonly defaultColumns: readonly string[];
  /** What -q prints. */
  readonly quietColumn: string;
}

export interface ListOptions {
  readonly format?: string;
  readonly quiet?: boolean;
}

/** For standard error where both are given: -q wins, as in Docker. */
export const QUIET_WINS = 'WARNING: Ignoring custom format, because both --format and --quiet are set.';

/** The whole output with its final newline; '' where there is nothing. Throws MinidockError TEMPLATE_INVALID. */
export function formatList(rows: readonly Row[], style: ListStyle, options: ListOptions): string {
  const plainTable = `table ${style.defaultColumns.map((column) => `{{.${column}}}`).join('\\t')}`;
  const asked = options.quiet === true ? `{{.${style.quietColumn}}}` : (options.format ?? '');
  const format =
    asked === '' || /^table\s*$/.test(asked) ? plainTable : asked === 'json' ? '{{json .}}' : asked;
  const isTable = format.startsWith('table');
  const text = (isTable ? format.slice('table'.length) : format)
    .replace(/^ +| +$/g, '')
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n');
  const template = compileTemplate(text);
  const lines = withFieldNames(style, () => [
    ...(isTable ? [template.execute(goStruct(headings(rows, style), ROW_TYPE), { heading: true })] : []),
    ...rows.map((row) => template.execute(goStruct(sortFields(row), ROW_TYPE))),
  ]);
  if (lines.length === 0) return '';
  const output = lines.join('\n');
  return `${isTable ? alignColumns(output) : output}\n`;
}

/** Shown where a template asks for a field that rows have not. */
const ROW_TYPE = 'list row';

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
