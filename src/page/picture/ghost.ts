/**
 * The goal of a lesson's step as a ghost: the present picture with the parts that are missing. Numbers of the kernel
 * differ from lab to lab, so names decide what is the same: a namespace's label, an interface's name. Pure.
 */
import {
  refKey,
  type EndRef,
  type Interface,
  type Model,
  type Namespace,
} from '../../diagnose/graph/model.ts';

export interface Ghosted {
  readonly model: Model;
  /** Keys of boxes, interfaces (refKey) and cables that are missing. */
  readonly missing: ReadonlySet<string>;
  /** What is missing, a line each. */
  readonly list: readonly string[];
}

/** Numbers that the kernel does not give. */
const GHOST_INODE = 1e12;
const GHOST_INDEX = 2e6;

export function ghost(present: Model, goal: Model): Ghosted {
  const missing = new Set<string>();
  const list: string[] = [];
  /** From an end of the goal to the end that stands for it. */
  const ends = new Map<string, EndRef>();
  const merged = new Map(present.namespaces.map((one) => [one.inode, one]));
  const taken = new Set<number>();
  for (const wanted of goal.namespaces) {
    const twin = present.namespaces.find(
      (one) => !taken.has(one.inode) && one.kind === wanted.kind && one.label === wanted.label,
    );
    const inode = twin?.inode ?? GHOST_INODE + wanted.inode;
    taken.add(inode);
    if (twin === undefined) {
      missing.add(String(inode));
      list.push(`the namespace ${wanted.label}`);
    }
    const known = twin?.interfaces ?? [];
    const indexes = new Map<number, number>();
    for (const link of wanted.interfaces) {
      const same = known.find(({ name }) => name === link.name);
      const index = same?.index ?? GHOST_INDEX + link.index;
      indexes.set(link.index, index);
      ends.set(refKey({ inode: wanted.inode, index: link.index }), { inode, index });
      if (same !== undefined) list.push(...lacks(wanted.label, same, link));
      else {
        missing.add(refKey({ inode, index }));
        if (twin !== undefined) list.push(`${link.name} in ${wanted.label}`);
      }
    }
    merged.set(inode, combine(twin, wanted, inode, indexes));
  }
  const cables = [...present.cables];
  const present_ = new Set(present.cables.flatMap(({ a, b }) => (b === undefined ? [] : [pairKey(a, b)])));
  for (const { a, b } of goal.cables) {
    const [from, to] = [ends.get(refKey(a)), b === undefined ? undefined : ends.get(refKey(b))];
    if (from === undefined || to === undefined || present_.has(pairKey(from, to))) continue;
    cables.push({ a: from, b: to });
    missing.add(`${refKey(from)}-${refKey(to)}`);
  }
  const [host, ...others] = present.namespaces;
  const order = [...(host === undefined ? [] : [host.inode]), ...others.map(({ inode }) => inode)];
  const added = [...merged.keys()].filter((inode) => !order.includes(inode));
  const namespaces = [...order, ...added].flatMap((inode) => merged.get(inode) ?? []);
  return { model: { ...present, namespaces, cables }, missing, list };
}

const pairKey = (a: EndRef, b: EndRef): string => [refKey(a), refKey(b)].sort().join(' ');

/** What an interface has in the goal, and not now. */
function lacks(where: string, now: Interface, goal: Interface): readonly string[] {
  const addresses = goal.addresses.filter(
    (address) => !address.includes(':') && !now.addresses.includes(address),
  );
  return [
    ...addresses.map((address) => `${address} on ${now.name} in ${where}`),
    ...(goal.up && !now.up ? [`${now.name} in ${where} is to be up`] : []),
    ...(goal.master !== undefined && now.master === undefined
      ? [`${now.name} in ${where} is to be a port`]
      : []),
  ];
}

function combine(
  twin: Namespace | undefined,
  wanted: Namespace,
  inode: number,
  indexes: ReadonlyMap<number, number>,
): Namespace {
  const known = new Set(twin?.interfaces.map(({ name }) => name));
  const added = wanted.interfaces
    .filter(({ name }) => !known.has(name))
    .map((link): Interface => {
      const { master: goalMaster, ...rest } = link;
      const master = goalMaster === undefined ? undefined : indexes.get(goalMaster);
      return {
        ...rest,
        index: indexes.get(link.index) ?? link.index,
        ...(master === undefined ? {} : { master }),
      };
    });
  const base = twin ?? { ...wanted, inode, path: '', processes: [], routes: [] };
  return { ...base, interfaces: [...(twin?.interfaces ?? []), ...added] };
}
