/**
 * Prints the rows of every list command: a table by default, one column with -q, else `--format`: 'table', 'table
 * TEMPLATE' with headings, 'json' (one object a line), or a template for each row.
 *
 * A row offers its fields as text, and as a function where a template may give an argument (`{{.Label "x"}}`); the
 * heading of such a column is that argument, as in Docker.
 */
import { oneLine } from '../../runtime/printable.ts';
import { alignColumns } from '../ui/table.ts';
import type { Row, ListStyle } from './rows.ts';

export interface ListOptions {
  readonly format?: string;
  readonly quiet?: boolean;
}

/** For standard error where both are given: -q wins, as in Docker. */
export const QUIET_WINS = 'WARNING: Ignoring custom format, because both --format and --quiet are set.';

/**
 * The whole output with its final newline, for StandardStream.writeData; '' without rows. Rejects with MinidockError
 * TEMPLATE_INVALID.
 */
export async function formatList(
  rows: readonly Row[],
  style: ListStyle,
  { quiet = false, format = '' }: ListOptions,
): Promise<string> {
  if (quiet) return rows.map((row) => `${text(row, style.quietColumn)}\n`).join('');
  if (/^(table\s*)?$/.test(format)) {
    const names = style.defaultColumns;
    const heading = names.map((name) => style.columns[name] ?? '').join('\t');
    const lines = rows.map((row) => names.map((name) => oneLine(text(row, name))).join('\t'));
    return `${alignColumns([heading, ...lines].join('\n'))}\n`;
  }
  // Loaded only for templates.
  const { formatWithTemplate } = await import('./format-template.ts');
  return formatWithTemplate(rows, style, format);
}

const text = (row: Row, column: string): string => {
  const cell = row[column];
  return typeof cell === 'string' ? cell : '';
};
