/**
 * What one container can look up: the names on its networks, and where every other name is asked for. Both are read
 * from a record that `network connect` may replace while the resolver runs.
 *
 * A container that is only on internal networks gets nothing from outside: a name server that answers would be a way
 * out (CVE-2024-29018).
 */
import { statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { flag, form, line, listOf, optional, record, type Shape } from '../../../images/foreign/shape.ts';
import type { UpstreamServer } from '../../../runtime/network/resolv.ts';
import { isDamaged, readRecord } from '../state/atomic-file.ts';
import type { Paths } from '../state/paths.ts';
import { reversedAddress, type Answer, type Query } from './message.ts';
import { NetworkNames } from './names.ts';

export interface ZoneRecord {
  readonly networks: readonly {
    readonly id: string;
    readonly name: string;
    readonly aliases?: readonly Alias[];
  }[];
  /** Tried in order; none: other names are not looked up. */
  readonly servers: readonly UpstreamServer[];
}

/** `--link TARGET:NAME`, known to this container alone. */
export interface Alias {
  readonly name: string;
  readonly target: string;
}

const zoneRecord: Shape<ZoneRecord> = record<ZoneRecord>({
  networks: listOf(
    record<ZoneRecord['networks'][number]>({
      id: form('an id', 'ids', (text) => /^[0-9a-f]{1,64}$/.test(text)),
      name: line,
      aliases: optional(listOf(record<Alias>({ name: line, target: line }))),
    }),
  ),
  servers: listOf(record<UpstreamServer>({ address: line, onHost: optional(flag) })),
});

/** A damaged record knows no names: the resolver goes on, and answers when the record is written again. */
function readZone(path: string): ZoneRecord | undefined {
  try {
    return readRecord(path, zoneRecord);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return undefined;
  }
}

export class Zone {
  private stamp = '';
  private networks: readonly {
    readonly names: NetworkNames;
    readonly aliases: ReadonlyMap<string, string>;
  }[] = [];
  private known: readonly UpstreamServer[] = [];

  constructor(
    private readonly paths: Paths,
    private readonly path: string,
  ) {}

  get servers(): readonly UpstreamServer[] {
    this.reload();
    return this.known;
  }

  /** undefined: no name of ours, somebody else may know it. Without records: it is, and has none of that type. */
  answer(query: Query): readonly Answer[] | undefined {
    this.reload();
    if (query.type === 'PTR') return this.reverse(query.name);
    const addresses = this.find(query.name);
    if (addresses === undefined) return undefined;
    const wanted = addresses.filter((address) => query.type === (isIPv6(address) ? 'AAAA' : 'A'));
    return shuffled(wanted).map((data) => ({ type: isIPv6(data) ? 'AAAA' : 'A', data }));
  }

  /** The first network that has the name; `NAME.NETWORK` asks one of them. */
  private find(name: string): readonly string[] | undefined {
    const dot = name.lastIndexOf('.');
    const [short, on] = dot < 0 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)];
    for (const { names, aliases } of this.networks) {
      const found = names.addresses(aliases.get(name) ?? name);
      if (found.length > 0) return found;
      if (on !== names.network.name.toLowerCase()) continue;
      const qualified = names.addresses(aliases.get(short) ?? short);
      if (qualified.length > 0) return qualified;
    }
    return undefined;
  }

  private reverse(name: string): readonly Answer[] | undefined {
    const address = reversedAddress(name);
    if (address === undefined) return undefined;
    for (const { names } of this.networks) {
      const data = names.nameOf(address);
      if (data !== undefined) return [{ type: 'PTR', data }];
    }
    return undefined;
  }

  private reload(): void {
    const stats = statSync(this.path, { throwIfNoEntry: false });
    const stamp = stats === undefined ? 'none' : `${String(stats.ino)} ${String(stats.mtimeMs)}`;
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    const found = stats === undefined ? undefined : readZone(this.path);
    this.known = found?.servers ?? [];
    this.networks = (found?.networks ?? []).map(({ id, name, aliases = [] }) => ({
      names: new NetworkNames(this.paths, { id, name }),
      aliases: new Map(aliases.map((alias) => [alias.name.toLowerCase(), alias.target.toLowerCase()])),
    }));
  }
}

/** Several holders of a name share the load: each answer begins with another one. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  const list = [...items];
  for (let left = list.length; left > 1; left--) {
    const at = Math.floor(Math.random() * left);
    [list[left - 1], list[at]] = [list[at] as T, list[left - 1] as T];
  }
  return list;
}
