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
  const own = lines.map((cells) => cells.map(widthOf));
  const widths = lines.map((): number[] => []);
  const columns = Math.max(...lines.map((cells) => cells.length)) - 1;
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < lines.length; first++) {
      let end = first;
      let width = MINIMUM_WIDTH;
      // The last cell of a line belongs to no column.
      for (; column < (lines[end]?.length ?? 0) - 1; end++) {
        width = Math.max(width, (own[end]?.[column] ?? 0) + PADDING);
      }
      for (let line = first; line < end; line++) widths[line]?.push(width);
      first = end;
    }
  }
  const pad = (line: number, column: number): string =>
    ' '.repeat(Math.max(0, (widths[line]?.[column] ?? 0) - (own[line]?.[column] ?? 0)));
  return lines.map((cells, line) => cells.map((cell, i) => cell + pad(line, i)).join('')).join('\n');
}

/** In characters, of which some take two of JavaScript's. */
const widthOf = (cell: string): number => (/[\ud800-\udfff]/.test(cell) ? [...cell].length : cell.length);
