/**
 * The bridge networks of this root, a file each: the default one in bridge.json, made at first use, and the user's in
 * <id>.json. A definition outlives a reboot; bridge and rules do not: the first container creates them again. A
 * process that adds or removes networks holds the lock of their directory.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { copiedName, copyOf } from '../../../images/foreign/kept.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { parseCidr, type Cidr } from '../../../runtime/network/ipv4.ts';
import { chooseSubnet, readRoutes } from '../../../runtime/network/subnet.ts';
import type { BridgeNetwork } from '../../../runtime/network/types.ts';
import { isDamaged, readKeptRecord, writeKeptRecord } from './atomic-file.ts';
import { missingFile, tellDamage } from './damage.ts';
import { DEFAULT_NETWORK } from '../spec/endpoints.ts';
import { newId } from '../spec/ids.ts';
import { waitLock, type Lock } from './lock.ts';
import { networksDir, type Paths } from './paths.ts';
import { bridgeNetwork } from './network-records.ts';
import { timestamp } from '../spec/time.ts';

export const lockNetworks = (paths: Paths): Lock => waitLock(join(networksDir(paths), '.lock'));

export const definitionPath = (paths: Paths, { name, id }: BridgeNetwork): string =>
  join(networksDir(paths), `${name === DEFAULT_NETWORK ? name : id}.json`);

/** By the name of the file, which is no order; those that were never used are not among them. */
export function listNetworks(paths: Paths): readonly BridgeNetwork[] {
  return definitionNames(paths).flatMap((name) => {
    try {
      return readDefinition(join(networksDir(paths), name)) ?? [];
    } catch (error) {
      if (!isDamaged(error)) throw error;
      tellDamage(error, 'This network is left out.');
      return [];
    }
  });
}

/** One of which only the copy is left is among them. */
function definitionNames(paths: Paths): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(networksDir(paths));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return [...new Set(names.map((name) => copiedName(name) ?? name))].filter(isDefinition);
}

const isDefinition = (name: string): boolean => /^[^.].*\.json$/.test(name);

/** undefined if there is none. @throws MinidockError 'DAMAGED_FILE' if its copy is lost too. */
function readDefinition(path: string): BridgeNetwork | undefined {
  const { value, damage } = readKeptRecord(path, bridgeNetwork);
  if (damage !== undefined)
    tellDamage(damage === 'missing' ? missingFile(path) : damage, 'Its copy is used.');
  return value;
}

/** The copy first: a kill in between leaves a network that can be used, or removed again. */
export function deleteDefinition(path: string): void {
  rmSync(copyOf(path), { force: true });
  rmSync(path, { force: true });
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

/** For a container whose network was removed, or is lost, since it was created. */
function networkIsGone(paths: Paths, mode: string): MinidockError {
  const lost = definitionNames(paths).find((name) => isLost(join(networksDir(paths), name)));
  const { code, message } = noSuchNetwork(mode);
  const hint =
    lost === undefined
      ? `Make it again (minidock network create ${mode}), or remove the container and run it in another one.`
      : `It may be the one that ${join(networksDir(paths), lost)} described, which is damaged: minidock doctor shows ` +
        'more.';
  return new MinidockError({ code, message, hint });
}

function isLost(path: string): boolean {
  try {
    return readDefinition(path) === undefined;
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return true;
  }
}

/** The network of a container on a bridge. @throws MinidockError 'NO_SUCH_NETWORK'. */
export function networkOf(paths: Paths, mode: string): BridgeNetwork {
  if (mode === DEFAULT_NETWORK) return defaultNetwork(paths);
  const network = findNetwork(paths, mode);
  if (network === undefined) throw networkIsGone(paths, mode);
  return network;
}

/** The same without making the default one. */
export function previewDefinition(paths: Paths, mode: string): BridgeNetwork {
  const path = join(networksDir(paths), `${DEFAULT_NETWORK}.json`);
  if (mode !== DEFAULT_NETWORK) return networkOf(paths, mode);
  return readDefinition(path) ?? { ...newDefault(paths), id: '0'.repeat(64) };
}

/** The default bridge network of this root; its subnet is chosen at first use and kept. */
function defaultNetwork(paths: Paths): BridgeNetwork {
  const path = join(networksDir(paths), `${DEFAULT_NETWORK}.json`);
  const existing = readDefinition(path);
  if (existing !== undefined) return existing;
  const lock = lockNetworks(paths);
  try {
    const raced = readDefinition(path);
    if (raced !== undefined) return raced;
    const network = newDefault(paths);
    writeKeptRecord(path, network);
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
