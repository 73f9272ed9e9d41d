/** `volume ls` and `volume rm`: enough to see and remove what -v and images made. */
import { MinidockError } from '../../../runtime/errors.ts';
import { cannotTell } from '../../engine/state/damage.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { getVolume, listVolumes, lockVolumes, removeVolume } from '../../engine/state/volumes.ts';
import { formatList } from '../../docker/format.ts';
import { forEachName } from '../shared/each.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

export const volumeList: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('-q, --quiet', 'Only display volume names')
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .action(async (flags: { readonly quiet?: boolean; readonly format?: string }) => {
        const rows = listVolumes(engine.paths).map(({ name, mountpoint }) => ({
          Driver: 'local',
          Name: name,
          Mountpoint: mountpoint,
        }));
        const style = {
          columns: { Driver: 'DRIVER', Name: 'VOLUME NAME', Mountpoint: 'MOUNTPOINT' },
          defaultColumns: ['Driver', 'Name'],
          quietColumn: 'Name',
        };
        stdout.writeData(
          await formatList(rows, style, {
            quiet: flags.quiet ?? false,
            ...(flags.format === undefined ? {} : { format: flags.format }),
          }),
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
          // Waits for the lock, so that a container that is being created is listed.
          const lock = await lockVolumes(paths);
          try {
            remove(name, flags.force === true);
          } finally {
            lock.release();
          }
          return name;
        });
        function remove(name: string, force: boolean): void {
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
          if (!force || getVolume(paths, name) !== undefined) removeVolume(paths, name);
        }
      });
  },
};
