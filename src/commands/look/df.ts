/** `system df`: what takes how much of the disk, and how much of that a prune would give back. */
import { detailTables, summaryRow, SUMMARY_STYLE, type DetailTable } from '../../docker/disk-usage-rows.ts';
import { formatList } from '../../docker/format.ts';
import { compileTemplate } from '../../docker/go-template/template.ts';
import type { Row } from '../../docker/rows.ts';
import { currentNames } from '../../engine/images/current-names.ts';
import { readDiskUsage, summarise } from '../../engine/look/disk-usage.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { Verb } from '../shared/verb.ts';

export const df: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .option('-v, --verbose', 'Show detailed information on space usage')
      .action(async ({ format, verbose }: { readonly format?: string; readonly verbose?: boolean }) => {
        requireRoot('system df');
        const usage = await readDiskUsage(engine);
        if (verbose !== true) {
          const rows = summarise(usage).map(summaryRow);
          stdout.writeData(await formatList(rows, SUMMARY_STYLE, format === undefined ? {} : { format }));
          return;
        }
        const tables = detailTables(usage, new Date(), currentNames(engine.paths));
        stdout.writeData(format === undefined ? await asTables(tables) : asTemplate(tables, format));
      });
  },
};

async function asTables(tables: readonly DetailTable[]): Promise<string> {
  const texts = await Promise.all(
    tables.map(async ({ title, rows, style }) => `${title}\n\n${await formatList(rows, style, {})}`),
  );
  return texts.join('\n');
}

/** One object with a list for each kind; what a row offers as a function has no place in it. */
function asTemplate(tables: readonly DetailTable[], format: string): string {
  const plain = (row: Row): object =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([, cell]) => typeof cell === 'string')
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  const data = Object.fromEntries(tables.map(({ name, rows }) => [name, rows.map(plain)]));
  return `${compileTemplate(format === 'json' ? '{{json .}}' : format).execute(data)}\n`;
}
