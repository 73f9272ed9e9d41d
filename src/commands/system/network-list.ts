/** `network ls` and `network prune`. */
import type { Engine } from '../../engine/engine.ts';
import { removeNetwork } from '../../engine/network/network-create.ts';
import { listContainers, recoverAll } from '../../engine/refresh.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { DEFAULT_NETWORK, endpointStates } from '../../engine/spec/endpoints.ts';
import { nowNs } from '../../engine/spec/time.ts';
import { listNetworks, previewDefinition } from '../../engine/state/networks.ts';
import { stdout } from '../../io/standard-streams.ts';
import { matchLabels, parseFilters, type Filters } from '../../docker/filters.ts';
import { formatList } from '../../docker/format.ts';
import {
  matchNetwork,
  NETWORK_STYLE,
  networkEntries,
  networkRow,
  parseNetworkFilters,
} from '../../docker/network-row.ts';
import { parseInstant } from '../../ui/time.ts';
import type { BridgeNetwork } from '../../../runtime/network/types.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface ListFlags {
  readonly filter?: readonly string[];
  readonly quiet?: boolean;
  readonly trunc: boolean;
  readonly format?: string;
}

export const networkList: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('-f, --filter <filter>', 'Provide filter values (e.g. "driver=bridge")', collect)
      .option('-q, --quiet', 'Only display network IDs')
      .option('--no-trunc', 'Do not truncate the output')
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .action(async (flags: ListFlags) => {
        const filters = parseNetworkFilters(flags.filter ?? []);
        const used = filters.has('dangling') ? await usedNetworks(engine) : new Set<string>();
        const rows = networkEntries(withDefault(engine))
          .filter((network) => matchNetwork(filters, network, used.has(network.id)))
          .map((network) => networkRow(network, !flags.trunc));
        const { quiet = false, format } = flags;
        stdout.writeData(
          await formatList(rows, NETWORK_STYLE, { quiet, ...(format === undefined ? {} : { format }) }),
        );
      });
  },
};

/** The default one is listed before it is made. */
function withDefault({ paths }: Engine): readonly BridgeNetwork[] {
  const own = listNetworks(paths);
  return own.some(({ name }) => name === DEFAULT_NETWORK)
    ? own
    : [...own, previewDefinition(paths, DEFAULT_NETWORK)];
}

async function usedNetworks({ containers }: Engine): Promise<ReadonlySet<string>> {
  const all = await listContainers(containers);
  return new Set(all.flatMap(({ state }) => endpointStates(state.network)).map(({ network }) => network.id));
}

const WARNING = 'WARNING! This will remove all custom networks not used by at least one container.\n';

export const networkPrune: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS]')
      .option('--filter <filter>', 'Provide filter values (e.g. "until=<timestamp>")', collect)
      .option('-f, --force', 'Do not prompt for confirmation')
      .action(async (flags: { readonly filter?: readonly string[]; readonly force?: boolean }) => {
        requireRoot('network prune');
        if (flags.force !== true) {
          const { confirm } = await import('../shared/confirm.ts');
          stdout.write(WARNING);
          if (!confirm('Are you sure you want to continue?')) return;
        }
        const filters = parseFilters(flags.filter ?? [], { known: ['label', 'label!', 'until'] });
        await recoverAll(context.engine.containers);
        const removed = await pruneNetworks(context.engine, filters, (error) => context.report(error));
        if (removed.length > 0) stdout.write(`Deleted Networks:\n${removed.join('\n')}\n\n`);
      });
  },
};

/** Names of those that were removed. One that a container has taken meanwhile is left. */
async function pruneNetworks(
  { paths }: Engine,
  filters: Filters,
  report: (error: unknown) => Promise<void>,
): Promise<readonly string[]> {
  const until = (filters.get('until') ?? []).map((text) => parseInstant(text, nowNs(), 'until'));
  const removed: string[] = [];
  for (const { name, id, labels = {}, created } of listNetworks(paths)) {
    const matches =
      name !== DEFAULT_NETWORK &&
      matchLabels(filters.get('label') ?? [], labels) &&
      (filters.get('label!') ?? []).every((text) => !matchLabels([text], labels)) &&
      until.every((instant) => parseInstant(created, 0n) < instant);
    if (!matches) continue;
    try {
      await removeNetwork(paths, id);
      removed.push(name);
    } catch (error) {
      if ((error as { code?: string }).code !== 'NETWORK_IN_USE') await report(error);
    }
  }
  return removed;
}
