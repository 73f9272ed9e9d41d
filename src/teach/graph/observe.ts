/** Looks at the kernel and makes the Model: nothing is kept from one look to the next, and nothing is changed. */
import { readFileSync } from 'node:fs';
import type { ContainerStore } from '../../engine/store.ts';
import { readFirewall } from './firewall.ts';
import { matchCables, readNetnsIds, readStack, type NetnsIds } from './links.ts';
import type { Cable, Model, Namespace } from './model.ts';
import { findNamespaces, namespaceAt, ownNamespace, pathInto, type FoundNamespace } from './namespaces.ts';
import { findDisagreements, readNotes, type Noted } from './notes.ts';

export interface ObserveOptions {
  /** Also namespaces that nothing connects with this one and nobody has named. */
  readonly all?: boolean;
}

export async function observe(store: ContainerStore, { all = false }: ObserveOptions = {}): Promise<Model> {
  const here = ownNamespace();
  const notes = readNotes(store);
  const [found, firewall, ownIds] = await Promise.all([
    readAll(findNamespaces(), here),
    readFirewall(),
    readNetnsIds(undefined, inodeOfName),
  ]);
  const cables = matchCables(found, await allIds(found, here, ownIds));
  const namespaces = found.map((namespace) => label(namespace, here, notes));
  const near = reachable(here, cables);
  const wanted = namespaces.filter(
    ({ inode, path, kind }) => all || near.has(inode) || kind === 'container' || !path.startsWith('/proc/'),
  );
  // What is named or a container brings its own neighbours along.
  const kept = new Set(wanted.flatMap(({ inode }) => [...reachable(inode, cables)]));
  const shown = namespaces.filter(({ inode }) => kept.has(inode));
  return {
    here,
    namespaces: inOrder(shown, here, cables),
    cables: cables.filter(({ a, b }) => kept.has(a.inode) || (b !== undefined && kept.has(b.inode))),
    published: [...firewall.published].sort((a, b) => parseInt(a.port) - parseInt(b.port)),
    chains: firewall.chains,
    forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1',
    disagreements: findDisagreements(notes, { here, namespaces, published: firewall.published }),
    unconnected: namespaces.length - shown.length,
  };
}

type Read = FoundNamespace & Pick<Namespace, 'interfaces' | 'routes' | 'path'>;

async function readAll(found: readonly FoundNamespace[], here: number): Promise<readonly Read[]> {
  return Promise.all(
    found.map(async (namespace) => {
      const path = pathInto(namespace);
      return { ...namespace, path, ...(await readStack(namespace.inode === here ? undefined : path)) };
    }),
  );
}

/** Numbers are asked of another namespace only where cables lead from it to a third one. */
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
      .map(async ({ inode, path }) => ids.set(inode, await readNetnsIds(path, inodeOfName))),
  );
  return ids;
}

const inodeOfName = (name: string): number | undefined => namespaceAt(`/run/netns/${name}`);

function label({ paths: _paths, ...read }: Read, here: number, notes: readonly Noted[]): Namespace {
  const { inode, path, interfaces, routes } = read;
  const own = notes.find((noted) => noted.inode === inode && inode !== here)?.container;
  const base = { inode, path, interfaces, routes };
  if (own !== undefined) {
    const { id, name, imageRef } = own.config;
    const { pid } = own.state;
    const inside = read.processes.filter((process) => process.pid === pid);
    return {
      ...base,
      kind: 'container',
      label: name,
      container: { id, name, image: imageRef, pid },
      processes: inside.length > 0 ? inside : read.processes,
    };
  }
  if (inode === here) return { ...base, kind: 'host', label: 'this host', processes: [] };
  const name = path.startsWith('/proc/') ? undefined : path.split('/').at(-1);
  const [first] = read.processes;
  const program = first?.command.split(' ')[0]?.split('/').at(-1) ?? 'nobody';
  return {
    ...base,
    kind: 'namespace',
    label: name ?? `${program} (${first?.pid ?? 0})`,
    processes: read.processes,
  };
}

/** Every namespace that cables lead to from one. */
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

/** As they hang on one another, so that what is connected stands close together. */
function inOrder(
  namespaces: readonly Namespace[],
  here: number,
  cables: readonly Cable[],
): readonly Namespace[] {
  const starts = [here, ...namespaces.map(({ inode }) => inode).sort((a, b) => a - b)];
  const order = [...new Set(starts.flatMap((inode) => [...reachable(inode, cables)]))];
  return order.flatMap((inode) => namespaces.filter((namespace) => namespace.inode === inode));
}
