/**
 * The network namespaces of this machine, as far as this process can see them: each process is in one (/proc/PID/ns),
 * and a namespace without processes lives as long as a mount keeps it (`ip netns add` makes such a mount below
 * /run/netns, Docker below /run/docker/netns). See network_namespaces(7).
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { ProcessLabel } from './model.ts';

export interface FoundNamespace {
  readonly inode: number;
  /** Mount points that keep it, /run/netns first. */
  readonly paths: readonly string[];
  /** The oldest processes in it, by number. */
  readonly processes: readonly ProcessLabel[];
  readonly processCount: number;
}

/** How many processes of a namespace are told by name. */
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
    // The process or the name has gone, which is the answer.
    return undefined;
  }
}

/** What to give `nsenter --net=`. */
export const pathInto = ({ paths, processes }: FoundNamespace): string =>
  paths[0] ?? `/proc/${processes[0]?.pid ?? 0}/ns/net`;

/** A line of mountinfo: '290 289 0:4 net:[4026532683] /run/netns/red rw … - nsfs nsfs rw', see proc(5). */
function mountedNamespaces(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, , , root = '', point = ''] = line.split(' ');
    const inode = /^net:\[(\d+)\]$/.exec(root)?.[1];
    if (inode === undefined) continue;
    const path = point.replace(/\\([0-7]{3})/g, (_, digits: string) =>
      String.fromCharCode(parseInt(digits, 8)),
    );
    const paths = found.get(Number(inode)) ?? [];
    // Where /run is shared, one name may be mounted several times over.
    if (!paths.includes(path) && namespaceAt(path) === Number(inode)) {
      if (path.startsWith('/run/netns/')) paths.unshift(path);
      else paths.push(path);
    }
    if (paths.length > 0) found.set(Number(inode), paths);
  }
  return found;
}

function processesByNamespace(): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let target: string;
    try {
      target = readlinkSync(`/proc/${name}/ns/net`);
    } catch {
      // Gone since, or a zombie, which is in no namespace any more.
      continue;
    }
    const inode = Number(/\[(\d+)\]/.exec(target)?.[1] ?? 0);
    const members = found.get(inode) ?? [];
    members.push(Number(name));
    found.set(inode, members);
  }
  return found;
}

/** The command line; the bare name of a process that has cleared its own. */
export function commandOf(pid: number): string {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    return line === '' ? readFileSync(`/proc/${pid}/comm`, 'utf8').trim() : printable(line);
  } catch {
    // It has ended.
    return '';
  }
}

/** A program chose these words: they must not move the cursor. */
const printable = (text: string): string => text.replace(/\s+/g, ' ').replace(/\p{Cc}/gu, '?');
