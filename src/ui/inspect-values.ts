/** Small parts of `inspect`'s JSON that several of its objects are made of. */
import { goMap, goStruct, nilSlice } from './go-template/value.ts';

/** A list as Docker stores it: `null` when nothing was ever put in it. */
export const slice = <T>(items: readonly T[]): readonly T[] => (items.length === 0 ? nilSlice() : items);

/** A map of text with its keys sorted, as Go writes JSON; a missing key reads as ''. */
export const sortedStrings = (map: Readonly<Record<string, string>>): object =>
  goMap(Object.fromEntries(Object.entries(map).sort(byKey)), '');

export const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/** `{"80/tcp": {}}`; left out where there are none, as Docker does. */
export function exposedPorts(ports: readonly string[]): { readonly ExposedPorts?: object } {
  if (ports.length === 0) return {};
  const entries = [...new Set(ports)].map((port) => [port, goStruct({})] as const).sort(byKey);
  return { ExposedPorts: Object.fromEntries(entries) };
}

/** `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}` */
export function portMap(
  bindings: readonly { readonly key: string; readonly ip: string; readonly port: string }[],
): Record<string, readonly object[]> {
  const map: Record<string, object[]> = {};
  for (const { key, ip, port } of bindings) (map[key] ??= []).push(goStruct({ HostIp: ip, HostPort: port }));
  return Object.fromEntries(Object.entries(map).sort(byKey));
}
