/**
 * The names of a network: one small file for each running container on it, below a directory per network. The command
 * that attaches a container writes its file, the one that detaches it removes the file. A resolver reads the directory
 * again when its time of change is another one. So names come and go with containers, and no message is needed.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { readSmallFile } from '../state/atomic-file.ts';
import { dnsDir, type Paths } from '../state/paths.ts';

/** What one container is called on one network. */
export interface Names {
  /** The first is what its address is called: the container's name. */
  readonly names: readonly string[];
  /** IPv4 and IPv6, as text. */
  readonly addresses: readonly string[];
}

export const namesDirectory = (paths: Paths, network: string): string => join(dnsDir(paths), network);

/** In the form of hosts(5), so that any other name server can be given the directory. */
export function publishNames(paths: Paths, network: string, container: string, entry: Names): void {
  const directory = namesDirectory(paths, network);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // An alias may be any text; one with a space in it is no name that somebody could look up.
  const names = entry.names.filter((name) => /^[^\s#]+$/.test(name));
  const lines = entry.addresses.map((address) => `${address}\t${names.join(' ')}\n`);
  const unfinished = join(directory, `.${container}`);
  writeFileSync(unfinished, lines.join(''), { mode: 0o600 });
  renameSync(unfinished, join(directory, container));
}

/** The files of a container, on all networks, and what a kill has kept from becoming one. */
export function nameFiles(paths: Paths, container: string): readonly string[] {
  if (!existsSync(dnsDir(paths))) return [];
  return readdirSync(dnsDir(paths))
    .flatMap((network) =>
      [container, `.${container}`].map((name) => join(namesDirectory(paths, network), name)),
    )
    .filter((path) => existsSync(path));
}

/** A clock of the kernel's ticks at most this often: what is younger may change again without showing it. */
const TICK = 20;

/** One network's names in memory, as new as the directory. */
export class NetworkNames {
  private stamp = '';
  private byName = new Map<string, string[]>();
  private byAddress = new Map<string, string>();

  constructor(
    private readonly paths: Paths,
    readonly network: { readonly id: string; readonly name: string },
  ) {}

  addresses(name: string): readonly string[] {
    this.reload();
    return this.byName.get(name) ?? [];
  }

  nameOf(address: string): string | undefined {
    this.reload();
    return this.byAddress.get(address);
  }

  private reload(): void {
    const directory = namesDirectory(this.paths, this.network.id);
    const stats = statSync(directory, { throwIfNoEntry: false });
    const stamp = stats === undefined ? 'none' : `${String(stats.ino)} ${String(stats.mtimeMs)}`;
    if (stamp === this.stamp) return;
    this.stamp = stats !== undefined && Date.now() - stats.mtimeMs < TICK ? '' : stamp;
    this.byName = new Map();
    this.byAddress = new Map();
    if (stats === undefined) return;
    // A name with a dot in front is a file that is being written.
    for (const name of readdirSync(directory)) if (!name.startsWith('.')) this.add(join(directory, name));
  }

  private add(path: string): void {
    for (const line of readIfThere(path).split('\n')) {
      const [address, ...names] = line.split(/\s+/).filter(Boolean);
      const [first] = names;
      if (address === undefined || first === undefined || isIP(address) === 0) continue;
      this.byAddress.set(address, `${first}.${this.network.name}`);
      for (const name of new Set(names.map((one) => one.toLowerCase()))) {
        const holders = this.byName.get(name);
        if (holders === undefined) this.byName.set(name, [address]);
        else holders.push(address);
      }
    }
  }
}

/** The container may have gone since the directory was listed. */
function readIfThere(path: string): string {
  try {
    return readSmallFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
