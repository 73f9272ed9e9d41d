/**
 * A container's part in the names of its networks: under which it is found, and what its own resolver knows. Written
 * when it starts and whenever its networks change; taken back with its addresses.
 */
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { upstreamServers } from '../../../runtime/network/resolv.ts';
import { nameFiles, namesDirectory, publishNames } from '../dns/names.ts';
import type { ZoneRecord } from '../dns/zone.ts';
import type { ContainerConfig, EndpointState, NetworkState } from '../spec/container.ts';
import { DEFAULT_NETWORK, endpointSpecs, endpointStates, ownAddresses, specFor } from '../spec/endpoints.ts';
import { writeRecord } from '../state/atomic-file.ts';
import { containerRunDir, type Paths } from '../state/paths.ts';
import { dnsNames } from './dns-names.ts';

/** Docker looks up no names on its default network. */
const withNames = (network: NetworkState | undefined): readonly EndpointState[] =>
  endpointStates(network).filter((endpoint) => endpoint.network.name !== DEFAULT_NETWORK);

export const hasNames = (network: NetworkState | undefined): boolean => withNames(network).length > 0;

/** Of the container's resolver: see dns/zone.ts. */
export const zonePath = (paths: Paths, id: string): string => join(containerRunDir(paths, id), 'zone.json');

/** Also takes back the names on networks that it is no longer on. */
export function announceNames(
  paths: Paths,
  config: ContainerConfig,
  network: NetworkState | undefined,
): void {
  const endpoints = withNames(network);
  const kept = endpoints.map((endpoint) => namesDirectory(paths, endpoint.network.id));
  for (const path of nameFiles(paths, config.id)) {
    if (!kept.includes(dirname(path))) rmSync(path, { force: true });
  }
  // Its resolver stays for as long as it runs, and knows nobody then.
  if (endpoints.length === 0 && !existsSync(zonePath(paths, config.id))) return;
  const specs = endpointSpecs(config.spec.network);
  for (const endpoint of endpoints) {
    const aliases = specFor(specs, endpoint.network)?.aliases ?? [];
    publishNames(paths, endpoint.network.id, config.id, {
      names: dnsNames(config, endpoint.network.name, aliases),
      addresses: ownAddresses(endpoint),
    });
  }
  const inside = endpointStates(network).every((endpoint) => endpoint.network.internal === true);
  const zone: ZoneRecord = {
    networks: endpoints.map((endpoint) => ({
      ...{ id: endpoint.network.id, name: endpoint.network.name },
      aliases: (specFor(specs, endpoint.network)?.links ?? []).map(aliasOf),
    })),
    servers: inside
      ? []
      : upstreamServers({
          dns: config.spec.network.dns,
          ipv6: endpointStates(network).some(
            ({ address6, network: { internal = false } }) => address6 !== undefined && !internal,
          ),
        }),
  };
  writeRecord(zonePath(paths, config.id), zone);
}

/** `--link TARGET:NAME`; the name is the target's where there is none. */
function aliasOf(link: string): { readonly name: string; readonly target: string } {
  const [target = '', name = target] = link.split(':');
  return { name, target };
}
