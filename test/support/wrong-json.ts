/**
 * Every way to put the wrong kind of value into a JSON document: each place of it in turn holds each kind there is,
 * or nothing. Deterministic, so that a failure names the document that caused it.
 */
export interface WrongDocument {
  /** 'config.Env[0] = null'. */
  readonly change: string;
  readonly document: unknown;
}

const kinds: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['"text"', 'text'],
  ['5', 5],
  ['true', true],
  ['[]', []],
  ['[null]', [null]],
  ['{}', {}],
  // Names that lead to something in every object, and that some validators skip.
  ['{"constructor": 5, "__proto__": 5}', JSON.parse('{"constructor": 5, "__proto__": 5}')],
];

export function* wrongDocuments(document: unknown): Generator<WrongDocument> {
  for (const path of placesOf(document, [])) {
    const place = path.length === 0 ? 'it' : path.join('.');
    for (const [name, kind] of kinds) {
      yield { change: `${place} = ${name}`, document: replaced(document, path, kind) };
    }
    if (path.length > 0) yield { change: `${place} left out`, document: replaced(document, path, undefined) };
  }
}

type Path = readonly (string | number)[];

function* placesOf(value: unknown, path: Path): Generator<Path> {
  yield path;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* placesOf(item, [...path, i]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* placesOf(item, [...path, key]);
  }
}

function replaced(value: unknown, [step, ...rest]: Path, by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, i) => (i === step ? replaced(item, rest, by) : item));
    return by === undefined && rest.length === 0 ? items.filter((_, i) => i !== step) : items;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  return { ...fields, [step]: replaced(fields[step], rest, by) };
}
