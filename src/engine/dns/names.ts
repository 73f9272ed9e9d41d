/**
 * The names of a network: one small file for each running container on it, below a directory per network. Whoever
 * attaches a container writes its file, whoever detaches it removes the file; a resolver reads the directory again
 * when its time of change says so. So names come and go with containers, without anybody being told.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { form, line, listOf, record, type Shape } from '../../../images/foreign/shape.ts';
import { isDamaged, readRecord, writeJson } from '../state/atomic-file.ts';
import type { Paths } from '../state/paths.ts';

/** What one container is called on one network. */
export interface Names {
  /** The first is what its address is called: the container's name. */
  readonly names: readonly string[];
  /** IPv4 and IPv6, as text. */
  readonly addresses: readonly string[];
}

const names: Shape<Names> = record<Names>({
  names: listOf(line),
  addresses: listOf(form('an address', 'addresses', (text) => /^[0-9a-fA-F.:]{2,45}$/.test(text))),
});

const directoryOf = (paths: Paths, network: string): string => join(paths.run, 'names', network);

export function publishNames(paths: Paths, network: string, container: string, entry: Names): void {
  const directory = directoryOf(paths, network);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeJson(join(directory, container), entry);
}

export function withdrawNames(paths: Paths, network: string, container: string): void {
  rmSync(join(directoryOf(paths, network), container), { force: true });
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
    this.refresh();
    return this.byName.get(name) ?? [];
  }

  nameOf(address: string): string | undefined {
    this.refresh();
    return this.byAddress.get(address);
  }

  private refresh(): void {
    const directory = directoryOf(this.paths, this.network.id);
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
    const entry = readNames(path);
    for (const address of entry?.addresses ?? []) {
      for (const name of new Set(entry?.names.map((one) => one.toLowerCase()))) {
        const holders = this.byName.get(name);
        if (holders === undefined) this.byName.set(name, [address]);
        else holders.push(address);
      }
      const [first] = entry?.names ?? [];
      if (first !== undefined) this.byAddress.set(address, `${first}.${this.network.name}`);
    }
  }
}

/** One that is damaged or gone meanwhile leaves the others. */
function readNames(path: string): Names | undefined {
  try {
    return readRecord(path, names);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return undefined;
  }
}
