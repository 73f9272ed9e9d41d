/**
 * Finds what a killed process has left in minidock's files: a record that says 'running' without a shim, a run
 * directory without an owner, a half-created or half-removed container, a lease without a container. The commands
 * come from the container's journal; the repair does what any later command would do by itself.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { releaseAddresses } from '../../../runtime/network/ipam.ts';
import { Journal } from '../../../runtime/plan/journal.ts';
import { quoteWord, renderArgv } from '../../../runtime/plan/quote.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import { leasedIds, releaseIds } from '../../../runtime/process/identity/id-ranges.ts';
import { undoJournal } from '../../../runtime/plan/undo.ts';
import { endpointStates, ownAddresses } from '../../engine/spec/endpoints.ts';
import { isHalfMade } from '../../engine/state/half-made.ts';
import { sweepLeftovers } from '../../engine/state/sweep.ts';
import {
  containerDir,
  containerRunDir,
  containersDir,
  idsDir,
  leasesDir,
  namesDir,
} from '../../engine/state/paths.ts';
import { isId } from '../../engine/spec/ids.ts';
import { recover } from '../../engine/recovery.ts';
import { releaseLeases } from '../../engine/network/release-network.ts';
import type { ContainerStore } from '../../engine/state/store.ts';
import type { Finding } from './finding.ts';
import { namesIn, type View } from './view.ts';
import { isActive } from '../../engine/spec/container.ts';

/** Containers with a finding of their own: their leftovers in the kernel are not reported again. */
export function lostContainers({ store, alive }: View): ReadonlySet<string> {
  const { paths } = store;
  const running = store.list().filter(({ state }) => isActive(state));
  const withRunDir = namesIn(join(paths.run, 'containers')).filter(isId);
  return new Set([...running.map(({ config }) => config.id), ...withRunDir].filter((id) => !alive.has(id)));
}

export function examineRecords(view: View, lost: ReadonlySet<string>): readonly Finding[] {
  return [
    ...[...lost].map((id) => tellLost(view.store, id)),
    ...halfMade(view),
    ...strayNames(view),
    ...strayLeases(view, lost),
    ...strayIds(view, lost),
  ];
}

function tellLost(store: ContainerStore, id: string): Finding {
  const runDir = containerRunDir(store.paths, id);
  const container = store.read(id);
  const short = id.slice(0, 12);
  const what =
    container !== undefined && isActive(container.state)
      ? `container ${container.config.name} (${short}) is noted as running, but its shim is gone`
      : `a start of container ${container?.config.name ?? short} was cut short`;
  const undo = new Journal(join(runDir, 'journal')).read().flatMap((entry) => entry.undo ?? []);
  return {
    id: `leftovers.container:${short}`,
    level: 'problem',
    what,
    means: 'No process waits for it. Its processes, cable, rules and address still exist.',
    todo: [...undo.reverse().map(renderCommand), renderArgv(['rm', '-r', runDir])],
    mend: () => mendLost(store, id),
  };
}

async function mendLost(store: ContainerStore, id: string): Promise<void> {
  if (existsSync(containerDir(store.paths, id))) return recover(store, id);
  // The container is gone, so no process starts it.
  const runDir = containerRunDir(store.paths, id);
  await undoJournal(new Journal(join(runDir, 'journal')));
  releaseLeases(store.paths, id);
  rmSync(runDir, { recursive: true, force: true });
}

function halfMade({ store, alive }: View): readonly Finding[] {
  const dir = containersDir(store.paths);
  const half = namesIn(dir).filter(
    (name) =>
      (name.startsWith('.removing-') && !alive.has(name.slice('.removing-'.length))) ||
      (isId(name) && isHalfMade(join(dir, name)) && !alive.has(name)),
  );
  return half.map((name) => ({
    id: `leftovers.directory:${name}`,
    level: 'warning',
    what: `a container was ${name.startsWith('.') ? 'half removed' : 'half made'}: ${name.replace('.removing-', '').slice(0, 12)}`,
    means: 'It takes space, and nothing uses it.',
    todo: [renderArgv(['rm', '-r', join(dir, name)])],
    mend: () => Promise.resolve(sweepLeftovers(store, Infinity)),
  }));
}

function strayNames({ store }: View): readonly Finding[] {
  const dir = namesDir(store.paths);
  return namesIn(dir).flatMap((name): readonly Finding[] => {
    const path = join(dir, name);
    const owner = readIfThere(path);
    // records.ts reports a lease without an id.
    if (owner === undefined || !isId(owner) || existsSync(containerDir(store.paths, owner))) return [];
    return [
      {
        id: `leftovers.name:${name}`,
        level: 'warning',
        what: `the name ${name} is reserved for a container that is gone`,
        todo: [renderArgv(['rm', path])],
        mend: () => Promise.resolve(store.names.release(name, owner)),
      },
    ];
  });
}

function strayLeases({ store, alive, leases, running }: View, lost: ReadonlySet<string>): readonly Finding[] {
  // One whose file is damaged is a matter of records.ts.
  const used = new Set(running.flatMap(({ state }) => endpointStates(state.network)).flatMap(ownAddresses));
  return [...leases]
    .filter(([address]) => !used.has(address))
    .filter(([, owner]) => !alive.has(owner) && !lost.has(owner))
    .map(([address, owner]) => ({
      id: `leftovers.lease:${address}`,
      level: 'warning',
      what: `the address ${address} is leased to ${owner.slice(0, 12)}, which does not run`,
      means: 'No other container can get it.',
      todo: [`rm ${quoteWord(leasesDir(store.paths))}/*/${quoteWord(address)}`],
      mend: () => Promise.resolve(releaseAddresses(leasesDir(store.paths), owner)),
    }));
}

function strayIds({ store, alive, running }: View, lost: ReadonlySet<string>): readonly Finding[] {
  const dir = idsDir(store.paths);
  const used = new Set(running.map(({ state }) => state.firstId));
  return [...leasedIds(dir)]
    .filter(([first]) => !used.has(first))
    .filter(([, owner]) => !alive.has(owner) && !lost.has(owner))
    .map(([first, owner]) => ({
      id: `leftovers.ids:${first}`,
      level: 'warning',
      what: `the user ids from ${first} on belong to ${owner.slice(0, 12)}, which does not run`,
      means: 'No other container with --userns=auto can get them.',
      todo: [`rm ${dir}/${first}`],
      mend: () => Promise.resolve(releaseIds(dir, owner)),
    }));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // Released since it was listed.
  }
}
