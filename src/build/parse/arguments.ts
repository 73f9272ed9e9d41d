/** The arguments of an instruction in the forms that BuildKit has for them: JSON, words, `name=value`. */
import { syntaxError, type LineRange } from '../errors.ts';
import type { CommandLine, Pair } from './instruction.ts';
import { rawWords } from './raw-words.ts';

export const splitWords = (text: string): readonly string[] => text.trim().split(/\s+/).filter(Boolean);

/** undefined: not the JSON form, and so a shell's line that may begin with a bracket. */
export function jsonWords(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((word): word is string => typeof word === 'string')) return value;
  } catch {
    // Not JSON: a word of its own.
  }
  return undefined;
}

export const listOrWords = (text: string): readonly string[] => jsonWords(text) ?? splitWords(text);

export function commandLine(text: string): CommandLine {
  const args = jsonWords(text);
  return args === undefined ? { form: 'shell', line: text } : { form: 'exec', args };
}

/** Of ENV and LABEL: `a=b c=d`, or the older `a the rest`. */
export function pairs(keyword: string, text: string, escape: string, lines: LineRange): readonly Pair[] {
  const words = rawWords(text, escape);
  const [first] = words;
  if (first === undefined) throw syntaxError(`${keyword} requires at least one argument`, lines);
  if (!first.includes('=')) {
    const [, name = '', value] = /^(\S+)\s+([\s\S]*)$/.exec(text.trim()) ?? [];
    if (value === undefined) throw syntaxError(`${keyword} must have two arguments`, lines);
    return [[name, value]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 0)
      throw syntaxError(`Syntax error - can't find = in "${word}". Must be of the form: name=value`, lines);
    if (equals === 0) throw syntaxError(`${keyword} names can not be blank`, lines);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Of a Go duration, nanoseconds. */
export function duration(name: string, text: string | undefined, lines: LineRange): number {
  if (text === undefined || text === '') return 0;
  const units: Readonly<Record<string, number>> = {
    ns: 1,
    us: 1e3,
    µs: 1e3,
    ms: 1e6,
    s: 1e9,
    m: 6e10,
    h: 3.6e12,
  };
  if (text === '0') return 0;
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text))
    throw syntaxError(`invalid duration "${text}" of --${name}`, lines);
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)];
  const total = parts.reduce(
    (sum, [, count = '0', unit = 's']) => sum + Number(count) * (units[unit] ?? 0),
    0,
  );
  if (total !== 0 && total < 1e6) throw syntaxError(`Interval "${name}" cannot be less than 1ms`, lines);
  return total;
}
