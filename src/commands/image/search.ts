/** `search`: repositories of Docker Hub, or of another registry that offers a search. */
import { registryOptionsFromEnvironment } from '../../../images/registry/client.ts';
import { searchRegistry } from '../../../images/registry/search.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { formatList } from '../../docker/format.ts';
import { filterFound, parseSearchFilters, searchRow, SEARCH_STYLE } from '../../docker/search-row.ts';
import { stdout } from '../../io/standard-streams.ts';
import { WHILE, withSpinner } from '../../ui/spinner.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface SearchFlags {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly limit?: string;
  readonly trunc?: boolean;
}

export const search: Verb = {
  configure(command) {
    command
      .usage('[OPTIONS] TERM')
      .argument('<term>')
      .option('-f, --filter <filter>', 'Filter output based on conditions provided', collect)
      .option('--format <string>', 'Pretty-print search using a Go template')
      .option('--limit <int>', 'Max number of search results')
      .option('--no-trunc', "Don't truncate output")
      .action(async (term: string, flags: SearchFlags) => {
        const filters = parseSearchFilters(flags.filter ?? []);
        const limit = limitOf(flags.limit);
        const ask = (): ReturnType<typeof searchRegistry> =>
          searchRegistry(term, limit, registryOptionsFromEnvironment());
        const found = await withSpinner(`Searching for ${term}`, ask, { after: WHILE });
        const asJson = /^(json|\{\{ *json \. *\}\})$/.test(flags.format ?? '');
        const words = asJson ? (['true', 'false'] as const) : (['[OK]', ''] as const);
        const rows = filterFound(found, filters).map((one) =>
          searchRow(one, { noTrunc: flags.trunc === false, words }),
        );
        const format = flags.format === undefined ? {} : { format: flags.format };
        stdout.writeData(await formatList(rows, SEARCH_STYLE, format));
      });
  },
};

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? '25');
  if (text !== undefined && !/^[+-]?\d+$/.test(text)) {
    throw new MinidockError({
      code: 'INVALID_FLAG',
      message: `invalid argument ${JSON.stringify(text)} for "--limit" flag: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
      exitCode: 125,
    });
  }
  // Docker takes what is not positive for the default.
  if (limit < 1) return 25;
  if (limit <= 100) return limit;
  throw new MinidockError({
    code: 'INVALID_FLAG',
    message: `limit ${String(limit)} is outside the range of [1, 100]`,
    exitCode: 1,
  });
}
