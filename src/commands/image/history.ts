/** `history` */
import { findImage } from '../../engine/images/find-image.ts';
import { formatList } from '../../docker/format.ts';
import { historyListStyle, historyRow } from '../../docker/history-row.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface HistoryFlags {
  readonly quiet?: boolean;
  readonly trunc?: boolean;
  readonly human?: boolean;
  readonly format?: string;
}

/** Docker's heading where the column shows dates. */
const fullDatesStyle = {
  ...historyListStyle,
  columns: { ...historyListStyle.columns, CreatedSince: historyListStyle.columns['CreatedAt'] ?? '' },
};

export const history: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] IMAGE')
      .argument('<image>')
      .option('-q, --quiet', 'Only show image IDs')
      .option('--no-trunc', "Don't truncate output")
      .option('--no-human', 'Print sizes in bytes and dates in full (also -H=false, --human=false)')
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .action(async (name: string, flags: HistoryFlags) => {
        const image = await findImage(engine, name);
        const lines = (await engine.images()).history(image);
        const options = { noTrunc: flags.trunc === false, human: flags.human !== false, now: new Date() };
        stdout.writeData(
          await formatList(
            lines.map((line) => historyRow(line, options)),
            options.human ? historyListStyle : fullDatesStyle,
            { quiet: flags.quiet ?? false, ...(flags.format === undefined ? {} : { format: flags.format }) },
          ),
        );
      });
  },
};
