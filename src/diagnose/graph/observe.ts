/** Builds the Model from the kernel. It keeps nothing between looks and changes nothing. */
import { netnsName } from '../../../runtime/network/names.ts';
import { oneLine } from '../../../runtime/printable.ts';
import { requireTool } from '../../../runtime/plan/tools.ts';
import { endpointStates } from '../../engine/spec/endpoints.ts';
import type { ContainerStore } from '../../engine/state/store.ts';
import { entering, isForwarding, type Enter } from '../host/ip.ts';
import { commandOf } from '../host/processes.ts';
import { findNamespaces, ownNamespace, pathInto, type FoundNamespace } from '../host/netns.ts';
import { readFirewall } from './firewall.ts';
import { matchCables, readNetnsIds, readStack, type NetnsIds, type Stack } from './links.ts';
import type { Cable, ContainerLabel, Model, Namespace } from './model.ts';
import { findDisagreements, readNotes, type Noted } from './notes.ts';

export interface ObserveOptions {
  /** Also namespaces that nothing connects with this one. */
  readonly all?: boolean;
  /** What the last look has found of other namespaces, kept between looks; without it each look asks them all. */
  readonly known?: Map<number, Stack>;
  /** With `known`: nothing but this namespace and those with these local numbers has changed. */
  readonly changed?: ReadonlySet<number>;
}

export async function observe(
  store: ContainerStore,
  { all = false, known = new Map(), changed }: ObserveOptions = {},
): Promise<Model> {
  // Without ip everything would look missing.
  requireTool('ip');
  const here = ownNamespace();
  const notes = readNotes(store);
  const ids = readNetnsIds([]);
  const [found, firewall, ownIds] = await Promise.all([
    ids.then((numbers) => {
      if (changed === undefined) known.clear();
      for (const nsid of changed ?? []) known.delete(numbers.get(nsid) ?? 0);
      return readAll(findNamespaces(), here, known);
    }),
    readFirewall(),
    ids,
  ]);
  const cables = matchCables(found, await allIds(found, here, ownIds));
  const namespaces = found.map((namespace) => label(namespace, here, notes));
  const near = reachable(here, cables);
  const wanted = namespaces.filter(({ inode, kind }) => all || near.has(inode) || kind === 'container');
  // A container also shows its neighbours.
  const kept = new Set(wanted.flatMap(({ inode }) => [...reachable(inode, cables)]));
  const shown = namespaces.filter(({ inode }) => kept.has(inode));
  return {
    here,
    namespaces: inOrder(shown, here, cables).map((one) =>
      one.inode === here ? withNetworks(one, notes) : one,
    ),
    cables: cables.filter(({ a, b }) => kept.has(a.inode) || (b !== undefined && kept.has(b.inode))),
    published: [...firewall.published].sort((a, b) => parseInt(a.port) - parseInt(b.port)),
    idle: firewall.idle,
    chains: firewall.chains,
    forwarding: isForwarding(),
    disagreements: findDisagreements(notes, { here, namespaces, cables, published: firewall.published }),
    unconnected: namespaces.length - shown.length,
  };
}

/** A bridge with containers also shows the name of their network. */
function withNetworks(host: Namespace, notes: readonly Noted[]): Namespace {
  const names = new Map(
    notes
      .flatMap(({ container: { state } }) => endpointStates(state.network))
      .map(({ network }) => [network.bridge, network.name] as const),
  );
  const interfaces = host.interfaces.map((link) => {
    const network = link.kind === 'bridge' ? names.get(link.name) : undefined;
    return network === undefined ? link : { ...link, network };
  });
  return { ...host, interfaces };
}

type Read = FoundNamespace & Pick<Namespace, 'interfaces' | 'routes' | 'path'> & { readonly enter: Enter };

async function readAll(
  found: readonly FoundNamespace[],
  here: number,
  known: Map<number, Stack>,
): Promise<readonly Read[]> {
  return Promise.all(
    found.map(async (namespace) => {
      const { inode } = namespace;
      const path = pathInto(namespace);
      const enter = inode === here ? [] : entering(path);
      const stack = known.get(inode) ?? (await readStack(enter));
      if (inode !== here) known.set(inode, stack);
      return { ...namespace, path, enter, ...stack };
    }),
  );
}

/** Asks another namespace for its numbers only if its cables lead to a third one. */
async function allIds(found: readonly Read[], here: number, own: NetnsIds): Promise<Map<number, NetnsIds>> {
  const ids = new Map([[here, own]]);
  const answered = matchCables(found, ids);
  const open = new Set(
    answered
      .filter(({ a, b }) => b === undefined || (a.inode !== here && b.inode !== here))
      .map(({ a }) => a.inode),
  );
  await Promise.all(
    found
      .filter(({ inode }) => inode !== here && open.has(inode))
      .map(async ({ inode, enter }) => ids.set(inode, await readNetnsIds(enter))),
  );
  return ids;
}

function label(read: Read, here: number, notes: readonly Noted[]): Namespace {
  const { inode, path, interfaces, routes } = read;
  const base = { inode, path, interfaces, routes };
  // The owner first, then the containers that joined it (--network container:NAME).
  const containers = notes
    .filter((noted) => noted.inode === inode && inode !== here)
    .sort((a, b) => Number(isOwner(b)) - Number(isOwner(a)))
    .map(({ container: { config, state } }): ContainerLabel => {
      return { id: config.id, name: config.name, image: config.imageRef, pid: state.pid };
    });
  if (containers.length > 0) {
    const told = containers.map(({ pid }) => ({ pid, command: commandOf(pid) }));
    const inside = told.filter(({ command }) => command !== '');
    return {
      ...base,
      kind: 'container',
      label: containers.map(({ name }) => name).join(' + '),
      containers,
      processes: inside.length > 0 ? inside : read.processes,
    };
  }
  if (inode === here) return { ...base, kind: 'host', label: 'this host', containers: [], processes: [] };
  const name = path.startsWith('/proc/') ? undefined : oneLine(path.split('/').at(-1) ?? '');
  const [first] = read.processes;
  const program = first?.command.split(' ')[0]?.split('/').at(-1) ?? 'nobody';
  return {
    ...base,
    kind: 'namespace',
    containers: [],
    label: name ?? `${program} (${first?.pid ?? 0})`,
    processes: read.processes,
  };
}

const isOwner = ({ container: { config, state } }: Noted): boolean =>
  state.network?.netns === netnsName(config.id);

/** All namespaces that are connected to one by cables. */
function reachable(start: number, cables: readonly Cable[]): ReadonlySet<number> {
  const seen = new Set([start]);
  for (const inode of seen) {
    for (const { a, b } of cables) {
      if (b === undefined) continue;
      if (a.inode === inode) seen.add(b.inode);
      if (b.inode === inode) seen.add(a.inode);
    }
  }
  return seen;
}

/** In the order of connections, so that neighbours stand close together. */
function inOrder(
  namespaces: readonly Namespace[],
  here: number,
  cables: readonly Cable[],
): readonly Namespace[] {
  const starts = [here, ...namespaces.map(({ inode }) => inode).sort((a, b) => a - b)];
  const order = [...new Set(starts.flatMap((inode) => [...reachable(inode, cables)]))];
  return order.flatMap((inode) => namespaces.filter((namespace) => namespace.inode === inode));
}
