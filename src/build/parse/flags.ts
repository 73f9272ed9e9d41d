/** The flags between an instruction's keyword and its arguments: `--from=x`, `--link`. */
import { syntaxError, type LineRange } from '../errors.ts';
import { rawWords } from './raw-words.ts';

/** Each flag's values in order; a flag without one has ''. */
export type Flags = ReadonlyMap<string, readonly string[]>;

export function splitFlags(
  rest: string,
  escape: string,
): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = [];
  let left = rest.trimStart();
  while (left.startsWith('--')) {
    const [word = ''] = rawWords(left, escape);
    left = left.slice(word.length).trimStart();
    if (word === '--') break;
    flags.push(unquoted(word, escape));
  }
  return { flags, rest: left };
}

function unquoted(word: string, escape: string): string {
  let text = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const char = word.charAt(at);
    if (char === escape && quote !== "'" && at + 1 < word.length) text += word.charAt(++at);
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    else text += char;
  }
  return text;
}

/** `many`: those that may be repeated. @throws BuildError for a flag that the instruction does not have. */
export function readFlags(
  keyword: string,
  words: readonly string[],
  known: readonly string[],
  many: readonly string[],
  lines: LineRange,
): Flags {
  const flags = new Map<string, string[]>();
  for (const word of words) {
    const [, name = '', , value = ''] = /^--([^=]*)(=([\s\S]*))?$/.exec(word) ?? [];
    if (!known.includes(name)) throw syntaxError(`unknown flag: --${name} of ${keyword}`, lines);
    const values = flags.get(name);
    if (values !== undefined && !many.includes(name))
      throw syntaxError(`duplicate flag specified: --${name}`, lines);
    flags.set(name, [...(values ?? []), value]);
  }
  return flags;
}

export function booleanFlag(flags: Flags, name: string, lines: LineRange): boolean {
  const [value] = flags.get(name) ?? ['false'];
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw syntaxError(`expecting boolean value for flag ${name}, not: ${value ?? ''}`, lines);
}
