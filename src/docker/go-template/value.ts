/**
 * The values of a template. JavaScript values stand for Go's: string, boolean, number (an int where it is whole),
 * null or undefined (nil), arrays (slices), plain objects (maps), functions (methods of the object that holds them).
 *
 * Docker's data is typed, JavaScript's is not, and three differences show: how a struct prints, what a missing key
 * gives, and that a nil slice or map prints as an empty one while its JSON is null. The data is tagged with
 * `goStruct`, `goMap`, `nilSlice` and `nilMap`; everything untagged is a `map[string]interface {}`.
 */

/** A float64 literal: `1.0` prints as 1 yet is no int. */
export class GoFloat {
  constructor(readonly value: number) {}
}

interface Tag {
  readonly kind: 'struct' | 'map' | 'slice';
  /** A struct's Go name, for "can't evaluate field"; without one the words are those of `docker inspect`. */
  readonly typeName?: string;
  /** A struct's fields as Go prints them, also those that JSON leaves out. */
  readonly printed?: readonly string[];
  /** What `index` gives for a missing key. */
  readonly zero?: unknown;
  readonly isNil?: boolean;
  /** A struct whose fields have other names in JSON. */
  readonly json?: () => string;
}

const tags = new WeakMap<object, Tag>();
const tagged = <T extends object>(value: T, tag: Tag): T => {
  tags.set(value, tag);
  return value;
};
const asJsonNull = <T extends object>(value: T): T =>
  Object.defineProperty(value, 'toJSON', { value: () => null, enumerable: false });

/** Marks an object whose fields are fixed: prints as `{a b}`, a field it has not is an error. */
export const goStruct = <T extends object>(value: T, typeName?: string): T =>
  tagged(value, { kind: 'struct', ...(typeName === undefined ? {} : { typeName }) });
/** A struct that is something else in JSON: the text `json` gives for it. */
export const goStructAsJson = <T extends object>(value: T, typeName: string, json: () => string): T =>
  tagged(value, { kind: 'struct', typeName, json });
/** A struct some of whose fields are left out of JSON while empty, yet printed: `{bind  /src /dst  ro}`. */
export const goStructOf = <T extends object>(value: T, printed: readonly string[]): T =>
  tagged(value, { kind: 'struct', printed });
/** Marks a map whose missing keys read as `zero`. */
export const goMap = <T extends object>(value: T, zero: unknown): T => tagged(value, { kind: 'map', zero });
/** A slice that was never set: prints `[]`, is `null` in JSON. */
export const nilSlice = (): readonly never[] =>
  tagged(asJsonNull<never[]>([]), { kind: 'slice', isNil: true });
/** A map that was never set: prints `map[]`, is `null` in JSON. */
export const nilMap = (zero: unknown): Readonly<Record<string, never>> =>
  tagged(asJsonNull<Record<string, never>>({}), { kind: 'map', zero, isNil: true });

export const tagOf = (value: object): Tag | undefined => tags.get(value);
export const isStruct = (value: unknown): boolean => isObject(value) && tags.get(value)?.kind === 'struct';
export const isNilValue = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'object' && tags.get(value)?.isNil === true);

export type GoObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is GoObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof GoFloat);
}

export type BasicKind = 'bool' | 'int' | 'float' | 'string' | 'nil' | 'slice' | 'map' | 'func';

export function kindOf(value: unknown): BasicKind {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (typeof value === 'function') return 'func';
  if (value instanceof GoFloat) return 'float';
  return Array.isArray(value) ? 'slice' : 'map';
}

export function typeName(value: unknown): string {
  const name = isObject(value) ? tags.get(value)?.typeName : undefined;
  if (name !== undefined) return name;
  switch (kindOf(value)) {
    case 'nil':
      return '<nil>';
    case 'float':
      return 'float64';
    case 'slice':
      return '[]interface {}';
    case 'map':
      return 'map[string]interface {}';
    case 'func':
      return 'func()';
    case 'bool':
      return 'bool';
    case 'int':
      return 'int';
    case 'string':
      return 'string';
  }
}

export const toNumber = (value: unknown): number => (value instanceof GoFloat ? value.value : Number(value));

/** Go's truth: everything but false, 0, "", nil and an empty slice or map; a struct is always true. */
export function isTrue(value: unknown): boolean {
  switch (kindOf(value)) {
    case 'nil':
      return false;
    case 'bool':
      return value === true;
    case 'int':
    case 'float':
      return toNumber(value) !== 0;
    case 'string':
      return value !== '';
    case 'slice':
      return (value as readonly unknown[]).length > 0;
    case 'map':
      return isStruct(value) || Object.keys(value as GoObject).length > 0;
    case 'func':
      return true;
  }
}

/** A map's keys in Go's printing order: by code point; a struct's in their own. */
export function keysOf(value: GoObject): readonly string[] {
  return isStruct(value) ? Object.keys(value) : Object.keys(value).sort(compareStrings);
}

/** By Unicode code point, which is the order of the UTF-8 bytes that Go compares. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
