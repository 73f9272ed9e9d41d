/** `container|image|volume|network|builder|system prune`: a question, the removal, what it gave back. */
import type { Command } from 'commander';
import { MinidockError } from '../../../runtime/errors.ts';
import { asksForAll, parsePruneFilters, type PruneFilters } from '../../docker/prune-filter.ts';
import type { Engine } from '../../engine/engine.ts';
import {
  pruneContainers,
  pruneImages,
  pruneNetworks,
  pruneVolumes,
  type Pruned,
} from '../../engine/prune/prune.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { nowNs } from '../../engine/spec/time.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import type { RemovalMode } from '../../engine/images/watch-removal.ts';
import { explainHow, localReporterFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { humanSize } from '../../ui/human.ts';
import { WHILE, withSpinner } from '../../ui/spinner.ts';
import { collect, type Verb } from '../shared/verb.ts';
import { confirm } from './confirm.ts';

interface PruneFlags extends ExplainFlags {
  readonly all?: boolean;
  readonly filter?: readonly string[];
  readonly force?: boolean;
  readonly volumes?: boolean;
}

interface Prune {
  /** 'container prune' */
  readonly name: string;
  /** The help of -a, where there is one. */
  readonly all?: string;
  /** Keys of --filter besides the labels. */
  readonly keys?: readonly string[];
  readonly warning: (all: boolean, filters: PruneFilters, flags: PruneFlags) => string;
  readonly perform: (
    engine: Engine,
    all: boolean,
    filters: PruneFilters,
    flags: PruneFlags,
    mode: RemovalMode,
  ) => Promise<number | undefined>;
}

const pruneVerb = ({ name, all, keys, warning, perform }: Prune): Verb => ({
  configure(command, { engine }) {
    defineFlags(command, all);
    if (name === 'system prune') command.option('--volumes', 'Prune anonymous volumes');
    if (name !== 'builder prune') defineExplainFlags(command, { dryRun: true });
    command.action(async (flags: PruneFlags) => {
      requireRoot(name);
      const filters = parsePruneFilters(flags.filter ?? [], nowNs(), keys);
      if (flags.volumes === true && filters.values.has('until')) {
        throw new MinidockError({
          code: 'FILTER_INVALID',
          message: 'ERROR: The "until" filter is not supported with "--volumes"',
        });
      }
      const every =
        flags.all === true || asksForAll(filters.values, 'all') || asksForAll(filters.values, 'dangling');
      const ask = async (): Promise<boolean> =>
        flags.force === true || (await confirm(warning(every, filters, flags)));
      if (flags.dryRun !== true && !(await ask())) return;
      const { mode, end } = await removalMode(flags);
      const reclaimed = await perform(engine, every, filters, flags, mode).finally(end);
      if (flags.dryRun !== true && reclaimed !== undefined)
        stdout.write(`Total reclaimed space: ${humanSize(reclaimed, 4)}\n`);
    });
  },
});

/** Shows the steps of one object after the other. */
async function removalMode(
  flags: ExplainFlags,
): Promise<{ readonly mode: RemovalMode; readonly end: () => void }> {
  const how = explainHow(flags);
  if (how === undefined) return { mode: {}, end: () => undefined };
  const printer = await import('../../teach/explain/step-printer.ts');
  const dryRun = flags.dryRun === true;
  let count = 0;
  const reporter = await localReporterFor(dryRun ? {} : flags);
  const print = dryRun ? await printer.dryRunPrinter(how) : reporter?.plan;
  return {
    mode: {
      dryRun,
      tell: (steps) => {
        count += steps.length;
        if (steps.length > 0) print?.(steps);
      },
    },
    end: () => {
      reporter?.end();
      if (count === 0) printer.sayNothing(dryRun ? stdout : stderr, how, 'nothing is unused');
    },
  };
}

function defineFlags(command: Command, all: string | undefined): void {
  command.usage('[OPTIONS]');
  if (all !== undefined) command.option('-a, --all', all);
  command
    .option('--filter <filter>', 'Provide filter values (e.g. "label=<key>=<value>")', collect)
    .option('-f, --force', 'Do not prompt for confirmation');
}

/** Prints what was removed, and gives the bytes. */
async function show(kind: string, work: Promise<Pruned>): Promise<number> {
  const slow = { after: WHILE };
  const { removed, reclaimed } = await withSpinner(`Removing ${kind.toLowerCase()}`, () => work, slow);
  if (removed.length > 0) stdout.write(`Deleted ${kind}:\n${removed.join('\n')}\n\n`);
  return reclaimed;
}

export const containerPrune = pruneVerb({
  name: 'container prune',
  warning: () => 'WARNING! This will remove all stopped containers.',
  perform: (engine, _, { chooses }, _flags, mode) =>
    show('Containers', pruneContainers(engine, chooses, mode)),
});

export const imagePrune = pruneVerb({
  name: 'image prune',
  all: 'Remove all unused images, not just dangling ones',
  keys: ['until', 'dangling'],
  warning: (all) =>
    all
      ? 'WARNING! This will remove all images without at least one container associated to them.'
      : 'WARNING! This will remove all dangling images.',
  perform: (engine, all, { chooses }, _flags, mode) =>
    show('Images', pruneImages(engine, chooses, all, mode)),
});

export const volumePrune = pruneVerb({
  name: 'volume prune',
  all: 'Remove all unused volumes, not just anonymous ones',
  keys: ['all'],
  warning: (all) =>
    all
      ? 'WARNING! This will remove all local volumes not used by at least one container.'
      : 'WARNING! This will remove anonymous local volumes not used by at least one container.',
  perform: (engine, all, { chooses }, _flags, mode) =>
    show('Volumes', pruneVolumes(engine, chooses, all, mode)),
});

export const networkPrune = pruneVerb({
  name: 'network prune',
  warning: () => 'WARNING! This will remove all custom networks not used by at least one container.',
  perform: async (engine, _, { chooses }, _flags, mode) => {
    await show('Networks', pruneNetworks(engine, chooses, mode));
    return undefined;
  },
});

/** A layer that an image or a container has as well stays. */
export const builderPrune = pruneVerb({
  name: 'builder prune',
  all: 'Remove all unused build cache, not just dangling ones',
  keys: ['until', 'id', 'parent', 'type', 'description', 'inuse', 'shared', 'private'],
  warning: (all) => `WARNING! This will remove all ${all ? '' : 'dangling '}build cache.`,
  perform: async (engine, all, { chooses, values }) => {
    const { pruneBuildCache } = await import('../../engine/prune/prune-builds.ts');
    const { matchBuildFilters } = await import('../../docker/build-cache-filter.ts');
    return pruneBuildCache(engine, chooses, all, matchBuildFilters(values));
  },
});

export const systemPrune = pruneVerb({
  name: 'system prune',
  all: 'Remove all unused images not just dangling ones',
  warning: (all, _, flags) => {
    const parts = [
      'all stopped containers',
      'all networks not used by at least one container',
      ...(flags.volumes === true ? ['all anonymous volumes not used by at least one container'] : []),
      all ? 'all images without at least one container associated to them' : 'all dangling images',
      all ? 'all build cache' : 'unused build cache',
    ];
    const filters = (flags.filter ?? []).map((text) => `  - ${text}\n`).join('');
    const filtered = filters === '' ? '' : `\n  Items to be pruned will be filtered with:\n${filters}`;
    return `WARNING! This will remove:\n${parts.map((part) => `  - ${part}\n`).join('')}${filtered}`;
  },
  perform: async (engine, all, { chooses }, flags, mode) => {
    let total = await show('Containers', pruneContainers(engine, chooses, mode));
    total += await show('Networks', pruneNetworks(engine, chooses, mode));
    if (flags.volumes === true) total += await show('Volumes', pruneVolumes(engine, chooses, false, mode));
    total += await show('Images', pruneImages(engine, chooses, all, mode));
    if (mode.dryRun !== true) {
      const { pruneBuildCache } = await import('../../engine/prune/prune-builds.ts');
      total += await pruneBuildCache(engine, chooses, all);
    }
    return total;
  },
});
