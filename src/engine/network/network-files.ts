/** Makes the three files that Docker makes for a container's /etc: hosts, hostname, resolv.conf. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { hostsFile } from '../../../runtime/network/hosts.ts';
import { RESOLVER_ADDRESS } from '../../../runtime/network/resolver.ts';
import { resolvConf } from '../../../runtime/network/resolv.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { readAtMost } from '../state/atomic-file.ts';
import type { ContainerConfig, NetworkState } from '../spec/container.ts';
import { endpointStates, ownAddresses } from '../spec/endpoints.ts';
import { hasNames } from './naming.ts';
import { containerDir, type Paths } from '../state/paths.ts';

const NAMES = ['hosts', 'hostname', 'resolv.conf'] as const;

export function writeNetworkFiles(
  paths: Paths,
  config: ContainerConfig,
  network: NetworkState,
  links: readonly string[] = [],
): void {
  const dir = containerDir(paths, config.id);
  const files = networkFiles(paths, config, {
    addresses: endpointStates(network).flatMap(ownAddresses),
    gateway: network.network?.gateway ?? '',
    named: hasNames(network),
    links,
  });
  for (const name of NAMES) writeNew(join(dir, name), files[name]);
}

/**
 * Never over the file of the last start: a container that shared its processes may still have that open, to write to it,
 * or with a lease on it, for which a plain open waits 45 seconds (fcntl(2), F_SETLEASE).
 */
function writeNew(path: string, text: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, text, { flag: 'wx', mode: 0o644 });
}

export interface NetworkFileInput {
  readonly addresses: readonly string[];
  readonly gateway: string;
  /** A resolver answers at 127.0.0.11. */
  readonly named?: boolean;
  /** Lines of the hosts file, see links.ts. */
  readonly links?: readonly string[];
}

/** Their text; of a container that shares another's network, the other's. */
export function networkFiles(
  paths: Paths,
  { spec }: ContainerConfig,
  { addresses, gateway, named = false, links = [] }: NetworkFileInput,
): Readonly<Record<(typeof NAMES)[number], string>> {
  const { mode, extraHosts, dns, dnsSearch, dnsOptions } = spec.network;
  if (mode.startsWith('container:')) {
    const other = containerDir(paths, mode.slice('container:'.length));
    const read = (name: string): string => readShared(join(other, name));
    return { hosts: read('hosts'), hostname: read('hostname'), 'resolv.conf': read('resolv.conf') };
  }
  const hostNetwork = mode === 'host';
  const { hostname, domainname } = spec;
  return {
    hosts: hostsFile({ hostNetwork, addresses, links, hostname, domainname, extraHosts, gateway }),
    hostname: `${hostname}\n`,
    'resolv.conf': resolvConf({
      ...{ hostNetwork, dns, search: dnsSearch, options: dnsOptions },
      resolver: named ? RESOLVER_ADDRESS : undefined,
    }),
  };
}

const LARGEST = 1 << 20;

/** A container writes what it likes to its /etc/hosts, which is this file: it must not fill our memory. */
function readShared(path: string): string {
  let text: string | undefined;
  try {
    text = readAtMost(path, LARGEST);
  } catch (error) {
    if (errnoOf(error) !== 'EAGAIN') throw error;
    throw new MinidockError({
      code: 'FILE_HELD',
      message: `the container whose network is shared holds a lease on ${path}`,
      hint: 'A program in it asked to be the only one that has the file open (fcntl(2), F_SETLEASE). Try again in a minute.',
      cause: error,
    });
  }
  if (text !== undefined) return text;
  throw new MinidockError({
    code: 'FILE_TOO_LARGE',
    message: `${path} is larger than ${String(LARGEST >> 20)} MB`,
    hint:
      'The container whose network is shared has written that much to it. Restart that container: minidock then ' +
      'writes the file again.',
  });
}
