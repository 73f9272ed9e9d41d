/** `builder du`: what builds have kept, and how much of the disk it takes. */
import { BUILD_FILTERS, matchBuildFilters } from '../../docker/build-cache-filter.ts';
import { parsePruneFilters } from '../../docker/prune-filter.ts';
import { listBuildEntries, type BuildEntry } from '../../engine/look/build-usage.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { nowNs } from '../../engine/spec/time.ts';
import { stdout } from '../../io/standard-streams.ts';
import { humanAgo, humanSize } from '../../ui/human.ts';
import { oneLine } from '../../../runtime/printable.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface DuFlags {
  readonly filter?: readonly string[];
  readonly verbose?: boolean;
}

export const builderDu: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('--filter <filter>', 'Provide filter values', collect)
      .option('--verbose', 'Provide a more verbose output')
      .action(async ({ filter = [], verbose = false }: DuFlags) => {
        requireRoot('builder du');
        const { values, chooses } = parsePruneFilters(filter, nowNs(), ['until', ...BUILD_FILTERS]);
        const matches = matchBuildFilters(values);
        const entries = (await listBuildEntries(engine))
          .filter((entry) => matches(entry) && chooses({ created: entry.created, labels: {} }))
          .reverse();
        stdout.write(verbose ? entries.map(details).join('\n') : table(entries));
        stdout.write(totals(entries));
      });
  },
};

/** A layer that an image has as well has a star, as in BuildKit. */
function table(entries: readonly BuildEntry[]): string {
  const rows = entries.map(({ id, size, shared, inUse, lastUsed }) => [
    id.slice(0, 25),
    String(!inUse),
    `${humanSize(size, 4)}${shared ? '*' : ''}`,
    ago(lastUsed),
  ]);
  const all = [['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)) + 3);
  return all
    .map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('')}\n`)
    .join('');
}

const details = (entry: BuildEntry): string =>
  [
    ['ID', entry.id],
    ['Parent', entry.parent],
    ['Created at', entry.created],
    ['Mutable', String(entry.type !== 'regular')],
    ['Reclaimable', String(!entry.inUse)],
    ['Shared', String(entry.shared)],
    ['Size', humanSize(entry.size, 4)],
    ['Description', oneLine(entry.description)],
    ['Last used', ago(entry.lastUsed)],
    ['Type', entry.type],
  ]
    .filter(([, value]) => value !== '')
    .map(([name = '', value = '']) => `${`${name}:`.padEnd(14)}${value}\n`)
    .join('');

function totals(entries: readonly BuildEntry[]): string {
  // The same layer may have come of several instructions.
  const once = [...new Map(entries.map((entry) => [entry.diffId || entry.id, entry])).values()];
  const sum = (which: (entry: BuildEntry) => boolean): string =>
    humanSize(
      once.filter(which).reduce((total, { size }) => total + size, 0),
      4,
    );
  const rows = [
    ['Shared:', sum(({ shared }) => shared)],
    ['Private:', sum(({ shared }) => !shared)],
    ['Reclaimable:', sum(({ inUse }) => !inUse)],
    ['Total:', sum(() => true)],
  ];
  return rows.map(([name = '', value = '']) => `${name.padEnd(15)}${value}\n`).join('');
}

const ago = (time: number): string => humanAgo(new Date(time).toISOString(), new Date());
