/** `volume ls` and `volume rm`. */
import { requireRoot } from '../../engine/require-root.ts';
import { listVolumes } from '../../engine/state/volumes.ts';
import { planUnusedVolume, removeUnusedVolume } from '../../engine/volumes/remove.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { formatList } from '../../docker/format.ts';
import { eachExplained } from '../shared/explained.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { matchVolume, parseVolumeFilters, VOLUME_STYLE, volumeRow } from '../../docker/volume-row.ts';
import { volumesInUse } from '../../engine/prune/in-use.ts';
import { collect, type Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface ListFlags {
  readonly filter?: readonly string[];
  readonly quiet?: boolean;
  readonly format?: string;
}

export const volumeList: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('-f, --filter <filter>', 'Provide filter values (e.g. "dangling=true")', collect)
      .option('-q, --quiet', 'Only display volume names')
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .action(async (flags: ListFlags) => {
        const filters = parseVolumeFilters(flags.filter ?? []);
        const used = filters.has('dangling') ? volumesInUse(engine.containers) : new Set<string>();
        const rows = listVolumes(engine.paths)
          .filter((volume) => matchVolume(filters, volume, used.has(volume.name)))
          .map(volumeRow);
        const { quiet = false, format } = flags;
        stdout.writeData(
          await formatList(rows, VOLUME_STYLE, { quiet, ...(format === undefined ? {} : { format }) }),
        );
      });
  },
};

export const volumeRemove: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] VOLUME [VOLUME...]')
      .argument('<volumes...>')
      .option('-f, --force', 'Do not complain about volumes that do not exist')
      .action(async (names: readonly string[], flags: { readonly force?: boolean } & ExplainFlags) => {
        requireRoot('volume rm');
        const { containers } = context.engine;
        const force = flags.force === true;
        await eachExplained(context, names, flags, {
          plan: (name) => planUnusedVolume(containers, name, force),
          nothing: (name) => `there is no volume ${name}`,
          perform: (name, tell) => removeUnusedVolume(containers, name, { force, tell }),
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
