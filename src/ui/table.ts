/**
 * Columns aligned as Docker aligns them, which is Go's text/tabwriter with a minimum width of 10 and three spaces
 * between columns: a cell ends with a tab, the last one of a line is left as it is, and a column spans the
 * neighbouring lines that have it.
 */
const MINIMUM_WIDTH = 10;
const PADDING = 3;

/** Lines with tab-ended cells to aligned lines. */
export function alignColumns(text: string): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const widths = lines.map((): number[] => []);
  const columns = Math.max(...lines.map((cells) => cells.length)) - 1;
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < lines.length; first++) {
      let end = first;
      while (end < lines.length && hasColumn(lines[end], column)) end++;
      const block = lines.slice(first, end);
      const width = Math.max(MINIMUM_WIDTH, ...block.map((cells) => widthOf(cells[column]) + PADDING));
      for (let line = first; line < end; line++) widths[line]?.push(width);
      first = end;
    }
  }
  const padded = lines.map((cells, line) =>
    cells.map(
      (cell, column) => cell + ' '.repeat(Math.max(0, (widths[line]?.[column] ?? 0) - widthOf(cell))),
    ),
  );
  return padded.map((cells) => cells.join('')).join('\n');
}

/** The last cell of a line belongs to no column. */
const hasColumn = (cells: readonly string[] | undefined, column: number): boolean =>
  cells !== undefined && column < cells.length - 1;

const widthOf = (cell: string | undefined): number => (cell === undefined ? 0 : [...cell].length);
