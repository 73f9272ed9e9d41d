/**
 * Which users of the machine the users of a container are (`--userns=auto`): 65,536 in a row that own no file and that
 * no other container has, for as long as it runs. A new start may take others, since files are stored with the
 * container's own ids (runtime/rootfs/id-map.ts).
 *
 *     0 … 60000               people and services (login.defs)
 *     100000 … 600100000      /etc/subuid as useradd fills it
 *     524288 … 1879048191 systemd-nspawn and others
 *     200000 … 2000200000     sssd and FreeIPA, for users of a directory
 *     1879048192 …            minidock's lab
 *     FIRST … LAST            this
 *     2147352576 …            systemd's foreign ids; from 2^31 on some programs see a negative number
 *
 * A range that is in /etc/subuid or /etc/subgid all the same is left out. A lease is a file named after the first id,
 * with its owner in it, as an address is (network/ipam.ts). The search begins at a place of the owner's own, so that
 * two minidocks with different run directories rarely collide.
 */
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciIdMapping } from '../../bundle.ts';
import { MinidockError } from '../../errors.ts';
import { errnoOf } from '../../syscall/error.ts';

const SIZE = 0x1_0000;
const FIRST = 0x7739_0000;
const SLOTS = (0x7ffe_0000 - FIRST) / SIZE;

export interface IdRange {
  readonly first: number;
  readonly size: number;
}

export const mappingTo = (first: number): OciIdMapping => ({ containerID: 0, hostID: first, size: SIZE });

/** The first id of the range. @throws MinidockError 'NO_IDS'. */
export function acquireIds(
  directory: string,
  owner: string,
  foreign: readonly IdRange[] = readSubordinateIds(),
): number {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // Linked into place, so that a lease is never seen without its owner.
  const own = join(directory, `.${owner}`);
  writeFileSync(own, owner, { mode: 0o600 });
  try {
    for (const first of candidates(owner, foreign)) {
      if (tryLease(own, join(directory, String(first)))) return first;
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw new MinidockError({
    code: 'NO_IDS',
    message: `all ${SLOTS} ranges of user ids for containers are taken`,
    data: { directory },
    exitCode: 125,
  });
}

/** What acquireIds would most likely give: nothing is taken. */
export function peekIds(
  directory: string,
  owner: string,
  foreign: readonly IdRange[] = readSubordinateIds(),
): number {
  const taken = new Set(leasedIds(directory).keys());
  return candidates(owner, foreign).find((first) => !taken.has(first)) ?? FIRST;
}

/** The files of an owner's leases, and of what a kill has kept from becoming one. */
export const idFiles = (directory: string, owner: string): readonly string[] => [
  ...[...leasedIds(directory)].flatMap(([first, holder]) =>
    holder === owner ? [join(directory, String(first))] : [],
  ),
  ...[join(directory, `.${owner}`)].filter((path) => existsSync(path)),
];

export function releaseIds(directory: string, owner: string): void {
  for (const path of idFiles(directory, owner)) rmSync(path, { force: true });
}

/** The leases: the first id of a range, and its owner. */
export function leasedIds(directory: string): ReadonlyMap<number, string> {
  const leases = new Map<number, string>();
  for (const name of namesIn(directory)) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      leases.set(Number(name), readFileSync(join(directory, name), 'utf8'));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error; // Released since the directory was read.
    }
  }
  return leases;
}

function candidates(owner: string, foreign: readonly IdRange[]): readonly number[] {
  const start = parseInt(owner.slice(0, 8), 16) % SLOTS;
  return Array.from({ length: SLOTS }, (_, index) => FIRST + ((start + index) % SLOTS) * SIZE).filter(
    (first) => !foreign.some((range) => range.first < first + SIZE && first < range.first + range.size),
  );
}

/** Ranges that somebody may give to containers of their own (subuid(5)). */
export function readSubordinateIds(
  files: readonly string[] = ['/etc/subuid', '/etc/subgid'],
): readonly IdRange[] {
  return files.flatMap(textIfThere).flatMap((line): readonly IdRange[] => {
    const [, first, size] = /^[^:#]+:(\d+):(\d+)\s*$/.exec(line) ?? [];
    return first === undefined ? [] : [{ first: Number(first), size: Number(size) }];
  });
}

function textIfThere(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** link(2) refuses a name that exists, as O_EXCL would. */
function tryLease(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
