/** Signatures first; the implementation follows. */
/** A cell: its text, or a method such as `.Label "x"` that a template may call. */
export type Cell = string | ((...args: string[]) => string);
export type Row = Readonly<Record<string, Cell>>;
export interface ListStyle {
  /** Field name to column heading: `{ ID: 'CONTAINER ID', Names: 'NAMES' }`; `--format json` prints these fields. */
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
/** The whole output with its final newline; '' where nothing is to be printed. Throws MinidockError TEMPLATE_INVALID. */
export function formatList(_rows: readonly Row[], _style: ListStyle, _options: ListOptions): string {
  throw new Error('not written yet');
}
