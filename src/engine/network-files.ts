/** Writes the three files that Docker makes for a container's /etc: hosts, hostname, resolv.conf. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostsFile } from '../../runtime/network/hosts.ts';
import { resolvConf } from '../../runtime/network/resolv.ts';
import type { ContainerConfig, NetworkState } from './container.ts';
import { containerDir, type Paths } from './paths.ts';

export function writeNetworkFiles(paths: Paths, config: ContainerConfig, network: NetworkState): void {
  const dir = containerDir(paths, config.id);
  const { spec } = config;
  const { mode } = spec.network;
  if (mode.startsWith('container:')) {
    const other = containerDir(paths, mode.slice('container:'.length));
    for (const name of ['hosts', 'hostname', 'resolv.conf']) copyFileSync(join(other, name), join(dir, name));
    return;
  }
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text, { mode: 0o644 });
  write('hostname', `${spec.hostname}\n`);
  write(
    'hosts',
    hostsFile({
      hostNetwork: mode === 'host',
      address: network.address,
      hostname: spec.hostname,
      domainname: spec.domainname,
      extraHosts: spec.network.extraHosts,
      gateway: network.network?.gateway ?? '',
    }),
  );
  write(
    'resolv.conf',
    resolvConf({
      hostNetwork: mode === 'host',
      dns: spec.network.dns,
      search: spec.network.dnsSearch,
      options: spec.network.dnsOptions,
    }),
  );
}
