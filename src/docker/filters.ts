/** `--filter KEY=VALUE`, as every list command takes it: parsed once, each key checked against what the list knows. */
import { MinidockError } from '../../runtime/errors.ts';

/** Values by key, in the order given; several values of one key are alternatives unless the key says otherwise. */
export type Filters = ReadonlyMap<string, readonly string[]>;

export interface FilterKeys {
  readonly known: readonly string[];
  /** Docker's filters that minidock cannot support: key to the reason. */
  readonly unsupported?: Readonly<Record<string, string>>;
}

/** @throws MinidockError FILTER_INVALID, in Docker's words. */
export function parseFilters(texts: readonly string[], keys: FilterKeys): Filters {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    if (text.trim() === '') continue;
    const equals = text.indexOf('=');
    if (equals < 0) {
      throw new MinidockError({
        code: 'FILTER_INVALID',
        message: `invalid argument ${JSON.stringify(text)} for "-f, --filter" flag: bad format of filter (expected name=value)`,
        exitCode: 125,
      });
    }
    const key = text.slice(0, equals).trim().toLowerCase();
    const reason = keys.unsupported?.[key];
    if (reason !== undefined) throw invalidFilter(`filter '${key}' is not supported: ${reason}`);
    if (!keys.known.includes(key)) {
      throw invalidFilter(`invalid filter '${key}'`, `this list has the filters ${keys.known.join(', ')}`);
    }
    filters.set(key, [...(filters.get(key) ?? []), text.slice(equals + 1).trim()]);
  }
  return filters;
}

export const invalidFilter = (message: string, hint?: string): MinidockError =>
  new MinidockError({ code: 'FILTER_INVALID', message, ...(hint === undefined ? {} : { hint }) });

/** 'x' requires the label, 'x=y' its value; all filters must match. */
export function matchLabels(wanted: readonly string[], labels: Readonly<Record<string, string>>): boolean {
  return wanted.every((text) => {
    const [name = '', ...value] = text.split('=');
    if (!Object.hasOwn(labels, name)) return false;
    return value.length === 0 || labels[name] === value.join('=');
  });
}

/** A regular expression found in the text, or the text itself; an invalid expression finds nothing. */
export function matchPattern(pattern: string, text: string): boolean {
  if (pattern === text) return true;
  try {
    return new RegExp(pattern).test(text);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** 'true', '1', 'false', '0' and their spellings in Go's ParseBool; undefined otherwise. */
export function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'True', 'TRUE'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'False', 'FALSE'].includes(text) ? false : undefined;
}
