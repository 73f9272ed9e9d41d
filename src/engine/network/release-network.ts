/** Giving back what was acquired for a run, by the process that holds it, once nothing of the container uses it. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { leaseFiles } from '../../../runtime/network/ipam.ts';
import type { FileCommand } from '../../../runtime/plan/command.ts';
import { releasePorts, type HeldPort } from '../../../runtime/network/ports.ts';
import { idFiles } from '../../../runtime/process/identity/id-ranges.ts';
import type { NetworkState } from '../spec/container.ts';
import { endpointStates, ownAddresses } from '../spec/endpoints.ts';
import { idsDir, leasesDir, type Paths } from '../state/paths.ts';
import { nameFiles } from '../dns/names.ts';
import { performFileStep, type FileStep } from '../state/perform-file.ts';
import { isId } from '../spec/ids.ts';

export function releaseNetwork(paths: Paths, id: string, ports: readonly HeldPort[], held?: Leased): void {
  releasePorts(ports);
  releaseLeases(paths, id, held);
}

/** What a container's record says that it holds. */
export interface Leased {
  readonly network?: NetworkState | undefined;
  readonly firstId?: number | undefined;
}

/** The addresses and, of a container with users of its own, their ids. */
export function releaseLeases(paths: Paths, id: string, held?: Leased): void {
  for (const step of planRelease(paths, id, held)) performFileStep(step);
}

/** By the files of leases that are there, whatever the record says. */
export function planRelease(
  paths: Paths,
  id: string,
  { network, firstId }: Leased = {},
): readonly FileStep[] {
  const [leases, ids] = [leasesDir(paths), idsDir(paths)];
  const addresses = endpointStates(network).flatMap((one) =>
    ownAddresses(one).map((address) => join(leases, one.network.id, address)),
  );
  const range = firstId === undefined ? undefined : join(ids, String(firstId));
  return [
    ...[...mine(leaseFiles(leases, id), id), ...addresses.flatMap(damagedOf)].map(
      (command, index): FileStep => ({
        id: numbered('address.release', index),
        section: 'undo',
        title: `Give the address ${basename(command.path)} back`,
        why: 'A lease is a file named after the address, with the container’s id in it: making it takes the address, removing it gives it back.',
        without: 'No other container ever gets the address, and one day there is none left.',
        command,
        undo: { kind: 'none', why: 'the next start leases one again, often the same' },
        observe: ['ls', dirname(command.path)],
      }),
    ),
    ...nameFiles(paths, id).map((path, index): FileStep => ({
      id: numbered('names.withdraw', index),
      section: 'undo',
      title: 'Withdraw its names',
      why: 'The resolvers of a network read the names of its containers from one directory, with a file for each.',
      without:
        'Others would still find an address under the name, and soon another container at the address.',
      command: { kind: 'remove-file', path },
      undo: { kind: 'none', why: 'the next start announces them again' },
      observe: ['ls', dirname(path)],
    })),
    ...[...mine(idFiles(ids, id), id), ...(range === undefined ? [] : damagedOf(range))].map(
      (command, index): FileStep => ({
        id: numbered('ids.release', index),
        section: 'undo',
        title: `Give the user ids from ${basename(command.path)} on back`,
        why: 'Its processes were users of the machine that nobody else is. A file named after the first of them says whose they are; no file on the disk is owned by one.',
        without: 'No other container ever gets these users.',
        command,
        undo: { kind: 'none', why: 'the next start takes others, or the same' },
        observe: ['ls', ids],
      }),
    ),
  ];
}

/** One for each network, and what a kill has left. */
const numbered = (id: string, index: number): string => (index === 0 ? id : `${id}:${String(index + 1)}`);

type RemoveFile = Extract<FileCommand, { kind: 'remove-file' }>;

/** A lease may have another owner by now. What was to become one has the container's name, and may still be empty. */
const mine = (paths: readonly string[], id: string): readonly RemoveFile[] =>
  paths.map((path) => ({
    kind: 'remove-file',
    path,
    ...(basename(path) === `.${id}` ? {} : { holding: id }),
  }));

/** A lease that does not say whose it is any more, of what the container holds. */
const damagedOf = (path: string): readonly RemoveFile[] =>
  existsSync(path) && !isId(readFileSync(path, 'utf8').trim()) ? [{ kind: 'remove-file', path }] : [];
