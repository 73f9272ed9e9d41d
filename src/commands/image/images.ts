/** `images` */
import type { StoredImage } from '../../../images/types.ts';
import { nowNs } from '../../engine/spec/time.ts';
import { formatList } from '../../docker/format.ts';
import { filterImages, parseImageFilters } from '../../docker/image-filter.ts';
import { imageEntries, imageListStyle, imageRow } from '../../docker/image-row.ts';
import { collect, type Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface ImagesFlags {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly digests?: boolean;
  readonly trunc?: boolean;
  readonly filter?: readonly string[];
  readonly format?: string;
}

export const images: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] [REPOSITORY[:TAG]]')
      .argument('[repository]')
      .option('-a, --all', 'Show all images (minidock keeps no intermediate ones)')
      .option('-q, --quiet', 'Only show image IDs')
      .option('--digests', 'Show digests')
      .option('--no-trunc', "Don't truncate output")
      .option('-f, --filter <filter>', 'Filter output based on conditions provided', collect)
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .action(async (repository: string | undefined, flags: ImagesFlags) => {
        const store = await engine.images();
        const all = await store.list();
        const filters = parseImageFilters(flags.filter ?? [], repository);
        const named = new Map<string, StoredImage | undefined>();
        for (const name of [...(filters.get('before') ?? []), ...(filters.get('since') ?? [])]) {
          named.set(name, await store.find(name));
        }
        const chosen = filterImages(imageEntries(all), filters, (name) => named.get(name), nowNs());
        const options = { noTrunc: flags.trunc === false, now: new Date() };
        const rows = chosen.map((entry) => imageRow(entry, options));
        stdout.writeData(
          await formatList(rows, imageListStyle(flags.digests ?? false), {
            // Unlike with `ps`, a template wins over -q.
            quiet: flags.quiet === true && /^(table)?$/.test(flags.format ?? ''),
            ...(flags.format === undefined ? {} : { format: flags.format }),
          }),
        );
      });
  },
};
