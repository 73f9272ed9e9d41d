/**
 * The network namespaces of this machine, as far as this process can see them: each process is in one (/proc/PID/ns),
 * and a namespace without processes lives as long as a mount keeps it (`ip netns add` makes such a mount below
 * /run/netns, Docker below /run/docker/netns). See network_namespaces(7).
 */
import { statSync } from 'node:fs';
import { parseMountinfo } from '../../../runtime/io/mountinfo.ts';
import { commandOf, processIds, readProcess } from './processes.ts';

export interface FoundNamespace {
  readonly inode: number;
  /** Mount points that keep it, /run/netns first. */
  readonly paths: readonly string[];
  /** The oldest processes in it, by number. */
  readonly processes: readonly { readonly pid: number; readonly command: string }[];
  readonly processCount: number;
}

/** The number of processes that are named. */
const TOLD = 3;

export function findNamespaces(): readonly FoundNamespace[] {
  const paths = mountedNamespaces();
  const pids = processesByNamespace();
  const inodes = new Set([...paths.keys(), ...pids.keys()]);
  return [...inodes].map((inode) => {
    const members = (pids.get(inode) ?? []).sort((a, b) => a - b);
    return {
      inode,
      paths: paths.get(inode) ?? [],
      processes: members.slice(0, TOLD).map((pid) => ({ pid, command: commandOf(pid) })),
      processCount: members.length,
    };
  });
}

export const ownNamespace = (): number => namespaceAt('/proc/self/ns/net') ?? 0;

/** The inode of a namespace file or mount; undefined where there is none. */
export function namespaceAt(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    // The process or the name is gone.
    return undefined;
  }
}

/** What to give `nsenter --net=`. */
export const pathInto = ({ paths, processes }: FoundNamespace): string =>
  paths[0] ?? `/proc/${processes[0]?.pid ?? 0}/ns/net`;

/** A mount whose root is 'net:[4026532683]' keeps that namespace. */
function mountedNamespaces(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const { root, point } of parseMountinfo(readProcess('self', 'mountinfo'))) {
    const inode = Number(/^net:\[(\d+)\]$/.exec(root)?.[1]);
    const paths = found.get(inode) ?? [];
    // If /run is shared, one name may be mounted several times, or be covered by another mount.
    if (paths.includes(point) || namespaceAt(point) !== inode) continue;
    if (point.startsWith('/run/netns/')) paths.unshift(point);
    else paths.push(point);
    found.set(inode, paths);
  }
  return found;
}

function processesByNamespace(): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const pid of processIds()) {
    const inode = namespaceAt(`/proc/${pid}/ns/net`);
    // Gone, or a zombie, which has no namespace any more.
    if (inode === undefined) continue;
    found.set(inode, [...(found.get(inode) ?? []), pid]);
  }
  return found;
}
