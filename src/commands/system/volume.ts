/** `volume ls` and `volume rm`. */
import { MinidockError } from '../../../runtime/errors.ts';
import { cannotTell } from '../../engine/state/damage.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { getVolume, listVolumes, lockVolumes } from '../../engine/state/volumes.ts';
import { formatList } from '../../docker/format.ts';
import { forEachName } from '../shared/each.ts';
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
      .action(async (names: readonly string[], flags: { readonly force?: boolean }) => {
        requireRoot('volume rm');
        const { paths, containers } = context.engine;
        await forEachName(context, names, async (name) => {
          const { removeVolume } = await import('../../engine/volumes/remove.ts');
          // Waits for the lock, so that a container that is being created is listed.
          const lock = await lockVolumes(paths);
          try {
            if (isThere(name, flags.force === true)) removeVolume(paths, name);
          } finally {
            lock.release();
          }
          return name;
        });
        /** @throws MinidockError where it is used. */
        function isThere(name: string, force: boolean): boolean {
          const users = containers.list();
          const user = users.find(({ config }) => config.spec.mounts.some((mount) => mount.volume === name));
          if (user !== undefined) {
            throw new MinidockError({
              code: 'VOLUME_IN_USE',
              message: `remove ${name}: volume is in use - [${user.config.id}]`,
            });
          }
          const unknown = users.find(({ unreadable }) => unreadable !== undefined);
          if (unknown !== undefined) throw cannotTell(`remove ${name}`, unknown);
          return !force || getVolume(paths, name) !== undefined;
        }
      });
  },
};
