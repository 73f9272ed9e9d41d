/** `ps` */
import { statSync } from 'node:fs';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { isActive, type ContainerConfig } from '../../engine/spec/container.ts';
import type { Engine } from '../../engine/engine.ts';
import { imagesDir } from '../../engine/state/paths.ts';
import type { Container } from '../../engine/state/store.ts';
import { findRecord, listContainers } from '../../engine/reconcile.ts';
import { asksForSize, containerListStyle, containerRow, type Sizes } from '../../docker/container-row.ts';
import { matchContainer, parseContainerFilters } from '../../docker/container-filter.ts';
import { formatList, QUIET_WINS } from '../../docker/format.ts';
import { parseInteger } from '../../engine/spec/flag-errors.ts';
import { collect, type Context, type Verb } from '../shared/verb.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';

interface PsFlags {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly last?: string;
  readonly latest?: boolean;
  readonly size?: boolean;
  readonly trunc?: boolean;
  readonly filter?: readonly string[];
  readonly format?: string;
}

export const ps: Verb = {
  startsLean: true,
  configure(command, context) {
    command
      .usage('[OPTIONS]')
      .option('-a, --all', 'Show all containers (default shows just running)')
      .option('-q, --quiet', 'Only display container IDs')
      .option('-n, --last <int>', 'Show n last created containers (includes all states)', '-1')
      .option('-l, --latest', 'Show the latest created container (includes all states)')
      .option('-s, --size', 'Display total file sizes')
      .option('--no-trunc', "Don't truncate output")
      .option('-f, --filter <filter>', 'Filter output based on conditions provided', collect)
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .action((flags: PsFlags) => list(context, flags));
  },
};

/** Resolves image names; an unknown name is compared as given to `run`. */
async function imageIds(engine: Engine, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const name of names) {
    const image = await (await engine.images()).find(name);
    if (image !== undefined) ids.set(name, image.id);
  }
  return ids;
}

/**
 * undefined where all are called as they were made: no name has changed since. The index of images is what a change of
 * names changes last.
 */
async function imageNames(
  { paths }: Engine,
  chosen: readonly Container[],
): Promise<((config: ContainerConfig) => string) | undefined> {
  const changed = statSync(`${imagesDir(paths)}/images.json`, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
  if (chosen.every(({ config }) => Date.parse(config.created) > changed)) return undefined;
  const { currentNames } = await import('../../engine/images/current-names.ts');
  return currentNames(paths);
}

async function sizesFrom(engine: Engine): Promise<(config: ContainerConfig) => Promise<Sizes | 'unknown'>> {
  const { containerSizes } = await import('../../engine/sizes.ts');
  const images = await engine.images();
  return async (config) => {
    try {
      return await containerSizes(engine.paths, config, images);
    } catch (error) {
      // The others have a size all the same.
      if (errnoOf(error) === '') throw error;
      stderr.write(
        `WARNING: cannot tell the size of container ${config.name}: ${(error as Error).message}\n`,
      );
      return 'unknown';
    }
  };
}

async function list({ engine }: Context, flags: PsFlags): Promise<void> {
  const filters = parseContainerFilters(flags.filter ?? []);
  if (flags.quiet === true && flags.format !== undefined) stderr.write(`${QUIET_WINS}\n`);
  // An unknown container is an error even without containers to compare.
  for (const key of ['before', 'since'])
    for (const name of filters.values.get(key) ?? []) await findRecord(engine.containers, name);
  const all = await listContainers(engine.containers);
  const limit = flags.latest === true ? 1 : (parseInteger(flags.last, '-n, --last') ?? -1);
  const every = flags.all === true || limit > 0 || filters.selectsStatus;
  const ancestors = await imageIds(engine, filters.values.get('ancestor') ?? []);
  const chosen = all
    .filter(({ state }) => every || isActive(state))
    .filter((container) => matchContainer(filters, container, all, (name) => ancestors.get(name)))
    .slice(0, limit > 0 ? limit : undefined);
  const withSize = flags.size === true || asksForSize(flags.format);
  const sizesOf = withSize ? await sizesFrom(engine) : undefined;
  const imageName = flags.quiet === true ? undefined : await imageNames(engine, chosen);
  const options = {
    noTrunc: flags.trunc === false,
    now: new Date(),
    ...(imageName === undefined ? {} : { imageName }),
  };
  const rows = [];
  for (const { config, state } of chosen) {
    const sizes = await sizesOf?.(config);
    rows.push(containerRow({ config, state, ...(sizes === undefined ? {} : { sizes }) }, options));
  }
  stdout.writeData(
    await formatList(rows, containerListStyle(flags.size === true), {
      quiet: flags.quiet ?? false,
      ...(flags.format === undefined ? {} : { format: flags.format }),
    }),
  );
}
