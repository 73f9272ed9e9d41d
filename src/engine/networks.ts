/**
 * The bridge networks of this root, a file each: the default one in bridge.json, made at first use, and the user's
 * in <id>.json. A definition outlives a reboot; bridge and rules do not, and are made anew by whichever container
 * comes first. Whoever changes what networks there are holds the lock of their directory.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import { parseCidr, type Cidr } from '../../runtime/network/ipv4.ts';
import { chooseSubnet, readRoutes } from '../../runtime/network/subnet.ts';
import type { BridgeNetwork } from '../../runtime/network/types.ts';
import { readJson, writeJson } from './atomic-file.ts';
import { newId } from './ids.ts';
import { waitLock, type Lock } from './lock.ts';
import { networksDir, type Paths } from './paths.ts';
import { timestamp } from './time.ts';

export const DEFAULT_NETWORK = 'bridge';

export const lockNetworks = (paths: Paths): Lock => waitLock(join(networksDir(paths), '.lock'));

export const definitionPath = (paths: Paths, { name, id }: BridgeNetwork): string =>
  join(networksDir(paths), `${name === DEFAULT_NETWORK ? name : id}.json`);

/** By the name of the file, which is no order; those that were never used are not among them. */
export function listNetworks(paths: Paths): readonly BridgeNetwork[] {
  let names: readonly string[];
  try {
    names = readdirSync(networksDir(paths));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readJson<BridgeNetwork>(join(networksDir(paths), name)) ?? []);
}

/** By name, id or a prefix of the id that only one has, in this order. */
export function findNetwork(paths: Paths, reference: string): BridgeNetwork | undefined {
  const all = listNetworks(paths);
  const exact = all.find(({ name }) => name === reference) ?? all.find(({ id }) => id === reference);
  if (exact !== undefined || !/^[0-9a-f]+$/.test(reference)) return exact;
  const byPrefix = all.filter(({ id }) => id.startsWith(reference));
  if (byPrefix.length > 1) {
    throw new MinidockError({
      code: 'AMBIGUOUS_ID',
      message: `network ${reference} is ambiguous (${String(byPrefix.length)} matches found on ID prefix)`,
    });
  }
  return byPrefix[0];
}

export const noSuchNetwork = (reference: string): MinidockError =>
  new MinidockError({ code: 'NO_SUCH_NETWORK', message: `network ${reference} not found` });

/** The network of a container on a bridge. @throws MinidockError 'NO_SUCH_NETWORK'. */
export function networkOf(paths: Paths, mode: string): BridgeNetwork {
  if (mode === DEFAULT_NETWORK) return defaultNetwork(paths);
  const network = findNetwork(paths, mode);
  if (network === undefined) throw noSuchNetwork(mode);
  return network;
}

/** The same without making the default one. */
export function previewDefinition(paths: Paths, mode: string): BridgeNetwork {
  const path = join(networksDir(paths), `${DEFAULT_NETWORK}.json`);
  if (mode !== DEFAULT_NETWORK) return networkOf(paths, mode);
  return readJson<BridgeNetwork>(path) ?? { ...newDefault(paths), id: '0'.repeat(64) };
}

/** The default bridge network of this root; its subnet is chosen at first use and kept. */
export function defaultNetwork(paths: Paths): BridgeNetwork {
  const path = join(networksDir(paths), `${DEFAULT_NETWORK}.json`);
  const existing = readJson<BridgeNetwork>(path);
  if (existing !== undefined) return existing;
  const lock = lockNetworks(paths);
  try {
    const raced = readJson<BridgeNetwork>(path);
    if (raced !== undefined) return raced;
    const network = newDefault(paths);
    writeJson(path, network);
    return network;
  } finally {
    lock.release();
  }
}

const newDefault = (paths: Paths): BridgeNetwork => ({
  id: newId(),
  name: DEFAULT_NETWORK,
  bridge: 'minidock0',
  ...freeSubnet(paths),
  created: timestamp(),
});

/** Clear of all routes, and of networks whose bridge is not there yet since the host came up. */
export const freeSubnet = (paths: Paths): ReturnType<typeof chooseSubnet> =>
  chooseSubnet([...readRoutes(), ...subnetsOf(paths)]);

export const subnetsOf = (paths: Paths): readonly Cidr[] =>
  listNetworks(paths).flatMap(({ subnet }) => parseCidr(subnet) ?? []);
