/** Makes the three files that Docker makes for a container's /etc: hosts, hostname, resolv.conf. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostsFile } from '../../runtime/network/hosts.ts';
import { resolvConf } from '../../runtime/network/resolv.ts';
import type { ContainerConfig, NetworkState } from './container.ts';
import { containerDir, type Paths } from './paths.ts';

const NAMES = ['hosts', 'hostname', 'resolv.conf'] as const;

export function writeNetworkFiles(paths: Paths, config: ContainerConfig, network: NetworkState): void {
  const dir = containerDir(paths, config.id);
  const files = networkFiles(paths, config, {
    address: network.address,
    gateway: network.network?.gateway ?? '',
  });
  for (const name of NAMES) writeFileSync(join(dir, name), files[name], { mode: 0o644 });
}

/** Their text; of a container that shares another's network, the other's. */
export function networkFiles(
  paths: Paths,
  { spec }: ContainerConfig,
  { address, gateway }: { readonly address: string; readonly gateway: string },
): Readonly<Record<(typeof NAMES)[number], string>> {
  const { mode, extraHosts, dns, dnsSearch, dnsOptions } = spec.network;
  if (mode.startsWith('container:')) {
    const other = containerDir(paths, mode.slice('container:'.length));
    const read = (name: string): string => readFileSync(join(other, name), 'utf8');
    return { hosts: read('hosts'), hostname: read('hostname'), 'resolv.conf': read('resolv.conf') };
  }
  const hostNetwork = mode === 'host';
  const { hostname, domainname } = spec;
  return {
    hosts: hostsFile({ hostNetwork, address, hostname, domainname, extraHosts, gateway }),
    hostname: `${hostname}\n`,
    'resolv.conf': resolvConf({ hostNetwork, dns, search: dnsSearch, options: dnsOptions }),
  };
}
