/**
 * Damaged or missing files of minidock. kept-records.ts covers records with a copy; this module covers what the
 * kernel also knows: a container's state, its journal, its bundle, its name, its leases.
 */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leaseOf, restoreAddress } from '../../../runtime/network/ipam.ts';
import { leasedIds } from '../../../runtime/process/identity/id-ranges.ts';
import { Journal } from '../../../runtime/plan/journal.ts';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import { endpointStates, ownAddresses } from '../../engine/spec/endpoints.ts';
import { isDamaged, readRecord, writeFileAtomic, writeRecord } from '../../engine/state/atomic-file.ts';
import { ociConfig } from '../../engine/state/bundle-record.ts';
import { attachmentOf, expectedUndos } from '../../engine/expected-undos.ts';
import {
  containerDir,
  containerRunDir,
  idsDir,
  leasesDir,
  nameFile,
  type Paths,
} from '../../engine/state/paths.ts';
import { containerState } from '../../engine/state/records.ts';
import { isId } from '../../engine/spec/ids.ts';
import { computeBundle } from '../../engine/plans/prepare.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { isComplete, journalPath } from '../../engine/undo-run.ts';
import type { Finding } from './finding.ts';
import { examineKept } from './kept-records.ts';
import type { View } from './view.ts';

export function examineRecordFiles({ store, containers, running }: View): readonly Finding[] {
  const { paths } = store;
  return [
    ...examineKept(paths),
    ...containers.flatMap((container) => [...stateOf(store, container), ...nameOf(store, container)]),
    ...foreignNames(store, containers),
    ...running.flatMap((container) => [
      ...journalOf(paths, container),
      ...bundleOf(paths, container),
      ...socketOf(paths, container),
      ...leasesOf(paths, container),
    ]),
  ];
}

const finding = (
  path: string,
  what: string,
  means: string,
  mend: () => void,
  todo: readonly string[] = ['minidock doctor --fix'],
): Finding => ({
  id: `records.${path}`,
  level: 'problem',
  what,
  means,
  todo,
  mend: () => {
    mend();
    return Promise.resolve();
  },
});

/** undefined if the file is right; `read` returns undefined for a missing file. */
function damageOf(path: string, read: () => unknown): string | undefined {
  try {
    return read() === undefined ? `${path} is missing` : undefined;
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return error.message;
  }
}

function stateOf(store: ContainerStore, { config, state }: Container): readonly Finding[] {
  const path = join(containerDir(store.paths, config.id), 'state.json');
  const what = damageOf(path, () => readRecord(path, containerState));
  if (what === undefined) return [];
  const means = `minidock asks the kernel instead: ${config.name} is ${state.status}.`;
  return [finding(path, what, means, () => store.writeState(config.id, store.readState(config.id)))];
}

/** The file of the container's name must hold its id. */
function nameOf(store: ContainerStore, { config, unreadable }: Container): readonly Finding[] {
  const { id, name } = config;
  const path = nameFile(store.paths, name);
  const held = store.names.read(name);
  if (held === id || unreadable !== undefined) return [];
  const what =
    held === undefined
      ? `${path} is missing`
      : `${path} is damaged: it does not hold the id of its container`;
  const means = `Container ${id.slice(0, 12)} has this name; finding it by name takes longer.`;
  return [finding(path, what, means, () => store.names.write(name, id))];
}

/** Names without an id and without a container. Names of containers that are gone are leftovers. */
function foreignNames(store: ContainerStore, containers: readonly Container[]): readonly Finding[] {
  return store.names
    .list()
    .filter(
      (file) => !containers.some(({ config }) => nameFile(store.paths, config.name).endsWith(`/${file}`)),
    )
    .flatMap((name) => {
      const path = nameFile(store.paths, name);
      const held = store.names.read(name);
      if (held === undefined || isId(held)) return [];
      const means = 'No container has this name.';
      const todo = [renderArgv(['rm', path])];
      return [
        finding(path, `${path} is damaged: it holds no id`, means, () => store.names.remove(name), todo),
      ];
    });
}

function journalOf(paths: Paths, { config, state }: Container): readonly Finding[] {
  const path = journalPath(paths, config.id);
  const journal = new Journal(path);
  const entries = journal.read();
  const { damage } = journal;
  if (damage === undefined && isComplete(entries, state.network)) return [];
  const what = !existsSync(path)
    ? `${path} is missing`
    : `${path} is damaged: ${damage ?? 'it lacks steps that were done'}`;
  const means = `minidock derives the steps to undo after ${config.name} from the kernel.`;
  return [
    finding(path, what, means, () => {
      const undos = expectedUndos(paths, { config, ran: true, network: state.network });
      writeFileAtomic(path, undos.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    }),
  ];
}

function bundleOf(paths: Paths, { config, state, unreadable }: Container): readonly Finding[] {
  const path = join(containerRunDir(paths, config.id), 'bundle', 'config.json');
  const what = damageOf(path, () => readRecord(path, ociConfig));
  if (what === undefined || unreadable !== undefined) return [];
  const means = `exec cannot enter ${config.name} without its bundle.`;
  return [
    finding(path, what, means, () => {
      const attachment = attachmentOf(config, state.network);
      const { bundle } = computeBundle(paths, config, attachment, { firstId: state.firstId });
      writeRecord(path, bundle);
    }),
  ];
}

/** Only the shim binds it: the next start creates it again. */
function socketOf(paths: Paths, { config }: Container): readonly Finding[] {
  const path = join(containerRunDir(paths, config.id), 'shim.sock');
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSocket() === true) return [];
  return [
    {
      id: `records.${path}`,
      level: 'problem',
      what: stats === undefined ? `${path} is missing` : `${path} is damaged: it is not a socket`,
      means: `attach to ${config.name} fails until you restart it. stop, wait and rm work without the socket.`,
      todo: [`minidock restart ${config.name}`],
    },
  ];
}

function leasesOf(paths: Paths, { config: { id }, state }: Container): readonly Finding[] {
  const { firstId } = state;
  const findings: Finding[] = [];
  const leased = endpointStates(state.network).flatMap((endpoint) =>
    ownAddresses(endpoint).map((address) => ({ network: endpoint.network, address })),
  );
  for (const { network, address } of leased) {
    const held = leaseOf(leasesDir(paths), network.id, address);
    const path = join(leasesDir(paths), network.id, address);
    if (held !== id) {
      findings.push(
        finding(path, lostLease(path, held), 'Another container could be given the address.', () =>
          restoreAddress(leasesDir(paths), network.id, address, id),
        ),
      );
    }
  }
  if (firstId !== undefined && leasedIds(idsDir(paths)).get(firstId) !== id) {
    const path = join(idsDir(paths), String(firstId));
    const held = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    findings.push(
      finding(path, lostLease(path, held), 'Another container could get the same user ids.', () =>
        writeFileAtomic(path, id),
      ),
    );
  }
  return findings;
}

const lostLease = (path: string, held: string | undefined): string =>
  held === undefined ? `${path} is missing` : `${path} is damaged: it does not hold the id of its owner`;
