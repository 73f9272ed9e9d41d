/**
 * `--rm=false`, `--rm=true` and `-m=64m`, which Docker's flag library takes and commander does not. An optional value
 * is only taken after `=`, as there: `--explain IMAGE` explains, and IMAGE is the image.
 */
import type { Command } from 'commander';
import { MinidockError } from '../../../runtime/errors.ts';

/** Those of Go's strconv.ParseBool. */
const WORDS: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  True: true,
  TRUE: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  False: false,
  FALSE: false,
};

/** Docker's flags that default to true; commander has only the negation. */
const TRUE_BY_DEFAULT: Readonly<Record<string, string>> = {
  '--sig-proxy': '--no-sig-proxy',
  '--disable-content-trust': '--no-disable-content-trust',
  '--pause': '--no-pause',
  '-p': '--no-pause',
  '--ipv4': '--no-ipv4',
  '--human': '--no-human',
  '-H': '--no-human',
};

/** Rewrites each `--flag=VALUE` of a boolean flag as the flag or as nothing; stops where positional words begin. */
export function normaliseBooleans(command: Command, argv: readonly string[]): readonly string[] {
  if (argv[0]?.startsWith('-') !== true) return argv;
  const booleans = new Set(
    command.options
      .filter((option) => !option.required && !option.optional)
      .flatMap((option) => [option.long, option.short]),
  );
  const takesValue = new Set(
    command.options.filter((option) => option.required).flatMap((option) => [option.long, option.short]),
  );
  const presets = new Map(
    command.options
      .filter((option) => option.optional)
      .map((option) => [option.long ?? '', String(option.presetArg)]),
  );
  const result: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] as string;
    if (word === '--' || !word.startsWith('-') || word === '-') return [...result, ...argv.slice(index)];
    const preset = presets.get(word);
    if (preset !== undefined) {
      result.push(`${word}=${preset}`);
      continue;
    }
    const match = /^(--[a-z0-9-]+|-[A-Za-z])(?:=(.*))?$/.exec(word);
    const negation = TRUE_BY_DEFAULT[match?.[1] ?? ''];
    const negatable = negation !== undefined && booleans.has(negation);
    if (match !== null && (negatable || booleans.has(match[1]))) {
      const value = match[2] === undefined ? true : WORDS[match[2]];
      if (value === undefined) {
        throw new MinidockError({
          code: 'INVALID_FLAG',
          message: `invalid argument "${match[2] ?? ''}" for "${match[1] ?? ''}" flag: strconv.ParseBool: parsing "${match[2] ?? ''}": invalid syntax`,
          exitCode: 125,
        });
      }
      if (negatable ? !value : value) result.push(negatable ? negation : (match[1] as string));
      continue;
    }
    const joined = splitShort(word, takesValue);
    if (joined !== undefined) {
      result.push(...joined);
      continue;
    }
    result.push(word);
    const shortCluster = /^-[A-Za-z]+$/.test(word) ? `-${word.at(-1) ?? ''}` : undefined;
    const next = argv[index + 1];
    if (
      next !== undefined &&
      (takesValue.has(word) || (shortCluster !== undefined && takesValue.has(shortCluster)))
    ) {
      result.push(next);
      index += 1;
    }
  }
  return result;
}

/** `-m=64m` and `-itm=64m` as two words; undefined where a letter before takes the rest: `-eA=1`. */
function splitShort(
  word: string,
  takesValue: ReadonlySet<string | undefined>,
): readonly [string, string] | undefined {
  const equals = word.indexOf('=');
  const letters = word.slice(1, equals);
  if (equals < 0 || !/^[A-Za-z]+$/.test(letters)) return undefined;
  const last = letters.length - 1;
  const isValueHere = [...letters].every(
    (letter, index) => takesValue.has(`-${letter}`) === (index === last),
  );
  return isValueHere ? [`-${letters}`, word.slice(equals + 1)] : undefined;
}
