export const historyListStyle = { columns: {}, defaultColumns: [], quietColumn: '' };
export function historyRow(_l: unknown, _o: unknown): Record<string, string> {
  return {};
}
