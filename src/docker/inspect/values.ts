/** Small parts of `inspect`'s JSON that several objects share. */
import type { Healthcheck } from '../../../images/types.ts';
import { goMap, goStruct, goStructOf, nilSlice } from '../go-template/value.ts';

/** A list as Docker stores it: `null` when nothing was ever put in it. */
export const slice = <T>(items: readonly T[]): readonly T[] => (items.length === 0 ? nilSlice() : items);

/** A map of text with its keys sorted, as Go writes JSON; a missing key reads as ''. */
export const sortedStrings = (map: Readonly<Record<string, string>>): object =>
  goMap(Object.fromEntries(Object.entries(map).sort(byKey)), '');

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
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

const HEALTHCHECK_FIELDS = [
  'Test',
  'Interval',
  'Timeout',
  'StartPeriod',
  'StartInterval',
  'Retries',
] as const;
const EMPTY: Readonly<Record<string, unknown>> = { Test: nilSlice() };

/** A health check as the image has it, shown in JSON without what is zero; left out where there is none. */
export function healthcheck(check: Healthcheck | null | undefined): { readonly Healthcheck?: object } {
  if (check === undefined || check === null) return {};
  const struct = goStructOf({}, HEALTHCHECK_FIELDS);
  for (const name of HEALTHCHECK_FIELDS) {
    const value = check[name];
    const isZero = value === undefined || value === null || value === 0;
    Object.defineProperty(struct, name, {
      value: isZero ? (EMPTY[name] ?? 0) : value,
      enumerable: !isZero,
    });
  }
  return { Healthcheck: struct };
}

/** Adds the fields that Docker omits from JSON while they are nil, so that templates can use them. */
export function withNil<T extends object>(struct: T, ...names: readonly string[]): T {
  for (const name of names) {
    if (!Object.hasOwn(struct, name)) Object.defineProperty(struct, name, { value: null, enumerable: false });
  }
  return struct;
}
