/**
 * How Go prints a value: `map[a:b]` with sorted keys, `[a b]`, `{a b}` for a struct, `<nil>` inside of one and
 * `<no value>` at a template's own level.
 */
import { printableJson } from '../../../runtime/printable.ts';
import { GoFloat, isNilValue, isObject, isStruct, keysOf, tagOf, toNumber } from './value.ts';

/** fmt's %v; with `fieldNames`, its %+v. */
export function formatValue(value: unknown, fieldNames = false): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return value.toString();
  if (value instanceof GoFloat) return formatFloat(value.value);
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : formatFloat(value);
  if (Array.isArray(value)) return `[${value.map((item) => formatValue(item, fieldNames)).join(' ')}]`;
  return isObject(value) ? formatObject(value, fieldNames) : 'func';
}

function formatObject(value: Readonly<Record<string, unknown>>, fieldNames: boolean): string {
  const struct = isStruct(value);
  const parts = (tagOf(value)?.printed ?? keysOf(value)).map((key) => {
    const text = struct && value[key] === undefined ? '' : formatValue(value[key], fieldNames);
    return struct && !fieldNames ? text : `${key}:${text}`;
  });
  return struct ? `{${parts.join(' ')}}` : `map[${parts.join(' ')}]`;
}

/** The text of an action: `<no value>` for a missing value, `<nil>` for a nil pointer. */
export function printValue(value: unknown): string {
  return value === undefined ? '<no value>' : formatValue(value);
}

/** fmt's %v and %g of a float64: the fewest digits, an exponent below 1e-4 and from 1e6 on. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const scientific = value.toExponential();
  const exponent = Number(scientific.split('e')[1]);
  return exponent < -4 || exponent >= 6 ? goExponent(scientific) : String(value);
}

/** JavaScript's `1e-7` as Go's `1e-07`: at least two digits in the exponent. */
export function goExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, (_all, sign: string, digit: string) => `e${sign}0${digit}`);
}

/** The Go type of the rows that list commands print. */
export const LIST_ROW = 'list row';

const hexEscape = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** encoding/json without HTML escaping: a map's keys sorted, a struct's in order. */
export function toJson(value: unknown): string {
  if (isNilValue(value)) return 'null';
  if (value instanceof GoFloat) return String(toNumber(value));
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (isObject(value)) {
    const own = tagOf(value)?.json;
    if (own !== undefined) return own();
    const fields = keysOf(value).filter(
      (key) => value[key] !== undefined && typeof value[key] !== 'function',
    );
    const json = `{${fields.map((key) => `${printableJson(key)}:${toJson(value[key])}`).join(',')}}`;
    // A row of a list writes its own JSON, as Go does by default.
    return tagOf(value)?.typeName === LIST_ROW ? json.replace(/[<>&]/g, hexEscape) : json;
  }
  return printableJson(value);
}
