/** `network ls` */
import type { Engine } from '../../engine/engine.ts';
import { listContainers } from '../../engine/reconcile.ts';
import { DEFAULT_NETWORK, endpointStates } from '../../engine/spec/endpoints.ts';
import { listNetworks, previewDefinition } from '../../engine/state/networks.ts';
import { stdout } from '../../io/standard-streams.ts';
import { formatList } from '../../docker/format.ts';
import {
  matchNetwork,
  NETWORK_STYLE,
  networkEntries,
  networkRow,
  parseNetworkFilters,
} from '../../docker/network-row.ts';
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
