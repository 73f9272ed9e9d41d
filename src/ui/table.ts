/**
 * Columns aligned as Docker aligns them, which is Go's text/tabwriter with a minimum width of 10 and three spaces
 * between columns: a cell ends with a tab, the last one of a line is left as it is, and a column spans the
 * neighbouring lines that have it.
 */
const MINIMUM_WIDTH = 10;
const PADDING = 3;

/** Lines with tab-ended cells to aligned lines. */
export function alignColumns(text: string, minimum = MINIMUM_WIDTH): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  // Width in characters, not UTF-16 units; most lists contain none of two units, and no call for each cell then.
  const hasPairs = /[\ud800-\udfff]/.test(text);
  const columns = lines.reduce((most, cells) => Math.max(most, cells.length), 0) - 1;
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < lines.length; first++) {
      let end = first;
      let width = minimum;
      // The last cell of a line belongs to no column.
      for (; column < (lines[end]?.length ?? 0) - 1; end++) {
        const cell = lines[end]?.[column] ?? '';
        width = Math.max(width, (hasPairs ? countCharacters(cell) : cell.length) + PADDING);
      }
      for (const cells of lines.slice(first, end)) {
        const cell = cells[column] ?? '';
        cells[column] = cell + ' '.repeat(width - (hasPairs ? countCharacters(cell) : cell.length));
      }
      first = end;
    }
  }
  return lines.map((cells) => cells.join('')).join('\n');
}

const countCharacters = (cell: string): number => [...cell].length;
