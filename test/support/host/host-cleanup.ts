/**
 * How a throw-away host finds and ends what runs in it. A process belongs to the host if it is in the host's mount
 * namespace, or in one of its network namespaces (the host's, `outside`, or any below /run/netns): that covers
 * shims, containers and whatever a failing test left behind, and nobody else.
 */
import { readdirSync, readFileSync, readlinkSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { waitFor } from './processes.ts';

/** Pids of everything inside the host that `holder` keeps alive, without the holder itself. */
export function processesInside(holder: number): readonly number[] {
  const mount = namespaceOf(holder, 'mnt');
  const nets = new Set<string | undefined>([namespaceOf(holder, 'net')]);
  for (const file of netnsFiles(holder)) {
    const inode = inodeOf(file);
    if (inode !== undefined) nets.add(`net:[${inode}]`);
  }
  nets.delete(undefined);
  return allPids().filter((pid) => {
    if (pid === holder) return false;
    const net = namespaceOf(pid, 'net');
    return (net !== undefined && nets.has(net)) || (mount !== undefined && namespaceOf(pid, 'mnt') === mount);
  });
}

/** Ends all of them and returns when none is left; a process may fork while being looked at, hence the loop. */
export async function killProcesses(holder: number): Promise<void> {
  if (namespaceOf(holder, 'mnt') === undefined) return;
  if (namespaceOf(holder, 'mnt') === namespaceOf(process.pid, 'mnt')) return; // it never got its own namespaces
  await waitFor(() => {
    const left = processesInside(holder);
    for (const pid of left) killIfThere(pid);
    return left.length === 0;
  }, 'the processes of the throw-away host to end');
}

/** The name of a host's own directory in every cgroup hierarchy. */
export const hostCgroupName = (dir: string): string => basename(dir);

/** Mount points of every cgroup hierarchy of the machine. */
export function cgroupMounts(): readonly string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .map(([, point]) => point ?? '');
}

/**
 * Lets paused containers go on: a process that the freezer of cgroup v1 holds does not die, and the host would wait for
 * it in vain.
 */
export function thawCgroups(mounts: readonly string[], name: string): void {
  for (const mount of mounts) {
    const top = join(mount, name);
    // The topmost first: what is below a frozen group stays frozen.
    for (const directory of [top, ...directoriesBelow(top).toReversed()]) {
      try {
        if (readFileSync(join(directory, 'freezer.state'), 'utf8').trim() === 'THAWED') continue;
        writeFileSync(join(directory, 'freezer.state'), 'THAWED');
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Another hierarchy, the root of this one, or a group that has ended meanwhile.
        if (code !== 'ENOENT' && code !== 'ENODEV' && code !== 'EACCES') throw error;
      }
    }
  }
}

/** Removes the host's directory from every hierarchy, deepest first; dying processes keep one busy for a moment. */
export async function removeCgroups(mounts: readonly string[], name: string): Promise<void> {
  for (const mount of mounts) {
    const top = join(mount, name);
    await waitFor(() => {
      for (const directory of [...directoriesBelow(top), top]) {
        try {
          rmdirSync(directory);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code !== 'ENOENT' && code !== 'EBUSY' && code !== 'ENOTEMPTY') throw error;
        }
      }
      return inodeOf(top) === undefined;
    }, `${top} to be removed`);
  }
}

/** Every directory below one, children before parents. */
export function directoriesBelow(top: string): readonly string[] {
  try {
    return readdirSync(top, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => [...directoriesBelow(join(top, entry.name)), join(top, entry.name)]);
  } catch {
    return []; // gone while it was being read, or never there: nothing below it either way
  }
}

function netnsFiles(holder: number): readonly string[] {
  const root = `/proc/${holder}/root`;
  const files: string[] = [];
  try {
    files.push(...readdirSync(`${root}/run/netns`).map((name) => `${root}/run/netns/${name}`));
  } catch {
    // no network namespace was ever named in this host
  }
  const outside = readFileSync(`/proc/${holder}/environ`, 'utf8')
    .split('\0')
    .find((entry) => entry.startsWith('DIR='));
  if (outside !== undefined) files.push(`${root}${outside.slice(4)}/outside`);
  return files;
}

function allPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** 'net:[4026531840]', or undefined for a process that is gone (or a zombie, which has no namespaces). */
function namespaceOf(pid: number, kind: 'net' | 'mnt'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
