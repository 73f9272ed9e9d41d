/** What a list command prints: rows with named fields, and which of them make a column. */
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
