/**
 * What a JSON document from outside must look like, as data: a shape finds the first place where a document differs
 * and names it by its path, so that every foreign document is refused in the same words. `null` counts as absent, as
 * in Go, and fields that a shape does not know are left alone.
 *
 * Go, which Docker is written in, also reads `"Layers"` where it wants `"layers"`. A document with such a field means
 * one image to Docker and another one here, under the same digest, so it is refused: no tool writes one.
 *
 * Own code rather than a library. zod/mini and typebox take 2 ms to load, valibot 0.2 ms; but valibot lets a list
 * pass for an object and never looks at values under the keys `constructor` and `__proto__`.
 */
export interface Shape<out T> {
  /** With its article: 'a list of strings'. */
  readonly one: string;
  /** 'lists of strings'. */
  readonly many: string;
  readonly optional?: true;
  /** Where a look at the value alone may tell that it fits: record() takes that look itself, without a call. */
  readonly kind?: Kind;
  /** `path` leads to the value from the document's top, which is ''. */
  find(this: void, value: unknown, path: string): Problem | undefined;
  /** Never there: it carries the type of what fits. */
  readonly type?: T;
}

type Kind = 'text' | 'line' | 'flag' | 'size' | 'list';

export interface Problem {
  readonly path: string;
  /** 'must be a list of strings (got a number)'. */
  readonly what: string;
}

/** A value that one look tells. */
export function value<T>(one: string, many: string, fits: (value: unknown) => boolean): Shape<T> {
  return {
    one,
    many,
    find: (found, path) => (fits(found) ? undefined : mustBe(one, found, path)),
  };
}

/** Whatever it is: nothing here depends on it. */
export const anything: Shape<unknown> = value('a value', 'values', () => true);

export const text: Shape<string> = {
  ...value<string>('a string', 'strings', (found) => typeof found === 'string'),
  kind: 'text',
};

/** For what becomes an argument, a variable or a path: the kernel ends those at a zero byte. */
export const line: Shape<string> = {
  ...text,
  kind: 'line',
  find: (found, path) =>
    typeof found === 'string' && found.includes('\0')
      ? { path, what: 'must be a string without a zero byte' }
      : text.find(found, path),
};

export const flag: Shape<boolean> = {
  ...value<boolean>('true or false', 'booleans', (found) => typeof found === 'boolean'),
  kind: 'flag',
};

export const size: Shape<number> = {
  ...value<number>(
    'a whole number, 0 or more',
    'whole numbers',
    (found) => Number.isSafeInteger(found) && (found as number) >= 0,
  ),
  kind: 'size',
};

/** What Go reads into an int64; beyond 2^53 it loses its last digits here. */
export const int64: Shape<number> = value(
  'a whole number of 64 bits',
  'whole numbers',
  (found) => Number.isInteger(found) && Math.abs(found as number) < 2 ** 63,
);

/** A string of a given form; another one is quoted in the message. */
export function form(one: string, many: string, fits: (text: string) => boolean): Shape<string> {
  return value(one, many, (found) => typeof found === 'string' && fits(found));
}

export function listOf<T>(of: Shape<T>, most = Infinity): Shape<readonly T[]> {
  const one = `a list of ${of.many}`;
  return {
    one,
    many: `lists of ${of.many}`,
    kind: 'list',
    find(found, path) {
      if (!Array.isArray(found)) return mustBe(one, found, path);
      if (found.length > most) {
        return { path, what: `must have at most ${String(most)} entries (got ${String(found.length)})` };
      }
      for (let i = 0; i < found.length; i += 1) {
        const problem = findIn(of, found[i], () => `${path}[${String(i)}]`);
        if (problem !== undefined) return problem;
      }
      return undefined;
    },
  };
}

/** An object whose keys are data. */
export function mapOf<T>(of: Shape<T>): Shape<Readonly<Record<string, T>>> {
  const one = `an object of ${of.many}`;
  return {
    one,
    many: `objects of ${of.many}`,
    find(found, path) {
      if (!isObject(found)) return mustBe(one, found, path);
      return first(Object.entries(found), ([key, item]) =>
        item === null ? undefined : findIn(of, item, () => below(path, key)),
      );
    },
  };
}

/** An object with fields of its own. */
export function fields<T extends object>(members: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const known = Object.entries<Shape<unknown>>(members);
  const spellings = new Map(known.map(([name]) => [folded(name), name]));
  return {
    one: 'an object',
    many: 'objects',
    find(found, path) {
      if (!isObject(found)) return mustBe('an object', found, path);
      const misspelt = first(Object.keys(found), (key) => {
        const name = spellings.get(folded(key));
        if (name === undefined || name === key) return undefined;
        return { path: below(path, key), what: `must be spelled ${JSON.stringify(name)}` };
      });
      if (misspelt !== undefined) return misspelt;
      return first(known, ([name, member]) => {
        const item = Object.hasOwn(found, name) ? found[name] : undefined;
        if (member.optional === true && (item === undefined || item === null)) return undefined;
        return findIn(member, item, () => below(path, name));
      });
    },
  };
}

/**
 * The same for what minidock wrote itself, where no field can be spelled in another way. `ps` looks at a hundred
 * fields of each container: one that fits at a look costs no call, and the path is put together for a problem only.
 */
export function record<T extends object>(members: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const names = Object.keys(members);
  const shapes = Object.values<Shape<unknown>>(members);
  return {
    one: 'an object',
    many: 'objects',
    find(found, path) {
      if (!isObject(found)) return mustBe('an object', found, path);
      for (let i = 0; i < names.length; i += 1) {
        const name = names[i] as string;
        const shape = shapes[i] as Shape<unknown>;
        const item = found[name];
        if (item === undefined || item === null) {
          if (shape.optional === true) continue;
        } else {
          const { kind } = shape;
          if (kind === 'line') {
            if (typeof item === 'string' && !item.includes('\0')) continue;
          } else if (kind === 'flag') {
            if (typeof item === 'boolean') continue;
          } else if (kind === 'list') {
            if (Array.isArray(item) && item.length === 0) continue;
          } else if (kind === 'text') {
            if (typeof item === 'string') continue;
          } else if (kind === 'size') {
            if (Number.isSafeInteger(item) && (item as number) >= 0) continue;
          }
        }
        const problem = shape.find(item, '') && shape.find(item, path === '' ? name : `${path}.${name}`);
        if (problem !== undefined) return problem;
      }
      return undefined;
    },
  };
}

/** The field may be absent or null. */
export function optional<T>(of: Shape<T>): Shape<T> {
  const { one, many, kind, find } = of;
  return kind === undefined ? { one, many, find, optional: true } : { one, many, kind, find, optional: true };
}

/** Deeper than any shape: what lies below is in a field that nobody reads. */
const DEEPEST = 64;

/** The document as Go would have it, where an absent field and null are the same. */
export function withoutNulls(document: unknown, depth = 0): unknown {
  if (depth > DEEPEST) return document;
  if (Array.isArray(document)) return document.map((item) => withoutNulls(item, depth + 1));
  if (!isObject(document)) return document;
  const kept = Object.entries(document).filter(([, item]) => item !== null);
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutNulls(item, depth + 1)]));
}

export function isObject(found: unknown): found is Readonly<Record<string, unknown>> {
  return typeof found === 'object' && found !== null && !Array.isArray(found);
}

/** Letters that Go takes for the same one, the long s and the Kelvin sign among them. */
function folded(key: string): string {
  return key.toLowerCase().toUpperCase();
}

function mustBe(one: string, found: unknown, path: string): Problem {
  return { path, what: `must be ${one} (got ${spellKind(found)})` };
}

function spellKind(found: unknown): string {
  if (found === undefined) return 'nothing';
  if (found === null) return 'null';
  if (Array.isArray(found)) return 'a list';
  switch (typeof found) {
    case 'object':
      return 'an object';
    case 'number':
      return 'a number';
    case 'boolean':
      return String(found);
    default:
      return 'a string';
  }
}

function below(path: string, key: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key)) return `${path}[${JSON.stringify(key.slice(0, 80))}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** The path is put together for a problem only. */
function findIn(shape: Shape<unknown>, item: unknown, path: () => string): Problem | undefined {
  return shape.find(item, '') && shape.find(item, path());
}

function first<T>(items: Iterable<T>, find: (item: T) => Problem | undefined): Problem | undefined {
  for (const item of items) {
    const problem = find(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
