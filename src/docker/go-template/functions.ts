/**
 * The functions a template can call: text/template's own and the ones Docker adds. `and` and `or` are the
 * evaluator's, since they stop at the first operand that decides. `call` has no functions to call in Docker's data.
 */
import { FunctionError } from './errors.ts';
import { compareValues, equalValues } from './comparison.ts';
import { formatValue, toJson } from './printing.ts';
import { sprintf } from './printf.ts';
import { escapeHtml, escapeJs, escapeUrlQuery } from './escapes.ts';
import { isObject, isTrue, kindOf, tagOf, typeName } from './value.ts';

/** What an argument must be; 'any' takes everything. */
export type Parameter = 'any' | 'string' | 'int' | 'strings';

export interface GoFunction {
  readonly parameters: readonly Parameter[];
  /** Any number more of the last parameter's kind. */
  readonly variadic?: boolean;
  readonly call: (args: readonly unknown[]) => unknown;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : formatValue(value));

/** fmt.Sprint: a space between two operands when neither is a string. */
function sprint(args: readonly unknown[]): string {
  return args.reduce<string>((line, arg, index) => {
    const spaced = index > 0 && typeof arg !== 'string' && typeof args[index - 1] !== 'string';
    return `${line}${spaced ? ' ' : ''}${formatValue(arg)}`;
  }, '');
}

/** What html, js and urlquery escape: one string as it is, anything else printed. */
const escaped = (args: readonly unknown[]): string =>
  args.length !== 1 ? sprint(args) : kindOf(args[0]) === 'nil' ? '<no value>' : text(args[0]);

/** Letter by letter, as Go does it: 'ß' has no single capital and stays. */
const toUpper = (value: string): string =>
  [...value]
    .map((letter) => ([...letter.toUpperCase()].length === 1 ? letter.toUpperCase() : letter))
    .join('');

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  if (kindOf(value) === 'nil') throw new FunctionError('reflect: call of reflect.Value.Type on zero Value');
  throw new FunctionError(`len of type ${typeName(value)}`);
}

function index(args: readonly unknown[]): unknown {
  let value = args[0];
  for (const key of args.slice(1)) {
    if (kindOf(value) === 'nil') throw new FunctionError('index of untyped nil');
    if (Array.isArray(value)) value = value[position(key, value.length - 1)] as unknown;
    else if (typeof value === 'string')
      value = Buffer.from(value)[position(key, Buffer.byteLength(value) - 1)];
    else if (isObject(value)) value = lookUp(value, key);
    else throw new FunctionError(`can't index item of type ${typeName(value)}`);
  }
  return value;
}

function lookUp(map: Readonly<Record<string, unknown>>, key: unknown): unknown {
  if (kindOf(key) === 'nil') throw new FunctionError('value is nil; should be of type string');
  if (typeof key !== 'string') throw new FunctionError(`value has type ${typeName(key)}; should be string`);
  return Object.hasOwn(map, key) ? map[key] : tagOf(map)?.zero;
}

function position(key: unknown, last: number): number {
  if (kindOf(key) === 'nil') throw new FunctionError('cannot index slice/array with nil');
  if (kindOf(key) !== 'int') throw new FunctionError(`cannot index slice/array with type ${typeName(key)}`);
  const number = Number(key);
  if (number < 0 || number > last) throw new FunctionError(`index out of range: ${number}`);
  return number;
}

function slice(args: readonly unknown[]): unknown {
  const [value, ...bounds] = args;
  if (kindOf(value) === 'nil') throw new FunctionError('slice of untyped nil');
  if (bounds.length > 3) throw new FunctionError(`too many slice indexes: ${bounds.length}`);
  if (typeof value === 'string') {
    if (bounds.length === 3) throw new FunctionError('cannot 3-index slice a string');
    const bytes = Buffer.from(value);
    return bytes.subarray(...range(bounds, bytes.length)).toString();
  }
  if (Array.isArray(value)) return value.slice(...range(bounds, value.length)) as unknown;
  throw new FunctionError(`can't slice item of type ${typeName(value)}`);
}

function range(bounds: readonly unknown[], length: number): [number, number] {
  const [from = 0, to = length, most = length] = bounds.map((bound) => position(bound, length));
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`);
  if (to > most) throw new FunctionError(`invalid slice index: ${to} > ${most}`);
  return [from, to];
}

const goBuiltins: Readonly<Record<string, GoFunction>> = {
  // The evaluator calls these two; they stand here for their names and parameters.
  and: {
    parameters: ['any'],
    variadic: true,
    call: (args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1),
  },
  or: { parameters: ['any'], variadic: true, call: (args) => args.find(isTrue) ?? args.at(-1) },
  not: { parameters: ['any'], call: ([value]) => !isTrue(value) },
  call: {
    parameters: ['any'],
    variadic: true,
    call: ([value]) => {
      throw new FunctionError(
        kindOf(value) === 'nil'
          ? 'call of nil'
          : `non-function ${formatValue(value)} of type ${typeName(value)}`,
      );
    },
  },
  html: { parameters: ['any'], variadic: true, call: (args) => escapeHtml(escaped(args)) },
  js: { parameters: ['any'], variadic: true, call: (args) => escapeJs(escaped(args)) },
  urlquery: { parameters: ['any'], variadic: true, call: (args) => escapeUrlQuery(escaped(args)) },
  index: { parameters: ['any', 'any'], variadic: true, call: index },
  slice: { parameters: ['any', 'any'], variadic: true, call: slice },
  len: { parameters: ['any'], call: ([value]) => lengthOf(value) },
  print: { parameters: ['any'], variadic: true, call: sprint },
  printf: {
    parameters: ['string', 'any'],
    variadic: true,
    call: ([format, ...args]) => sprintf(text(format), args),
  },
  println: {
    parameters: ['any'],
    variadic: true,
    call: (args) => `${args.map((a) => formatValue(a)).join(' ')}\n`,
  },
  eq: { parameters: ['any', 'any'], variadic: true, call: equalToAny },
  ne: { parameters: ['any', 'any'], call: ([a, b]) => !equalValues(a, b) },
  lt: { parameters: ['any', 'any'], call: ([a, b]) => compareValues(a, b) < 0 },
  le: { parameters: ['any', 'any'], call: ([a, b]) => compareValues(a, b) <= 0 },
  gt: { parameters: ['any', 'any'], call: ([a, b]) => compareValues(a, b) > 0 },
  ge: { parameters: ['any', 'any'], call: ([a, b]) => compareValues(a, b) >= 0 },
};

function equalToAny([first, ...others]: readonly unknown[]): boolean {
  if (others.length === 0) throw new FunctionError('missing argument for comparison');
  return others.some((other) => equalValues(first, other));
}

const dockerFunctions: Readonly<Record<string, GoFunction>> = {
  json: { parameters: ['any'], call: ([value]) => toJson(value) },
  split: {
    parameters: ['string', 'string'],
    call: ([value, separator]) => text(value).split(text(separator)),
  },
  join: {
    parameters: ['strings', 'string'],
    call: ([items, separator]) => ((items ?? []) as readonly string[]).join(text(separator)),
  },
  title: {
    parameters: ['string'],
    call: ([value]) =>
      text(value).replace(
        /(^|[^\p{L}\p{Nd}_])(\p{L})/gu,
        (_all, before: string, letter: string) => before + toUpper(letter),
      ),
  },
  lower: { parameters: ['string'], call: ([value]) => text(value).toLowerCase() },
  upper: { parameters: ['string'], call: ([value]) => toUpper(text(value)) },
  pad: {
    parameters: ['string', 'int', 'int'],
    call: ([value, before, after]) =>
      value === '' ? '' : ' '.repeat(Number(before)) + text(value) + ' '.repeat(Number(after)),
  },
  truncate: {
    parameters: ['string', 'int'],
    call: ([value, length]) => {
      if (Number(length) < 0) throw new FunctionError(`slice bounds out of range [:${Number(length)}]`);
      return [...text(value)].slice(0, Number(length)).join('');
    },
  },
};

export const functions: ReadonlyMap<string, GoFunction> = new Map([
  ...Object.entries(goBuiltins),
  ...Object.entries(dockerFunctions),
]);

const unchanged: GoFunction = { parameters: ['any'], variadic: true, call: ([value]) => value };

/** For a table's headings: what shapes a cell's text leaves them as they are, but padding applies to them too. */
export const headingFunctions: ReadonlyMap<string, GoFunction> = new Map([
  ...functions,
  ...['json', 'title', 'lower', 'upper', 'truncate', 'join'].map((name) => [name, unchanged] as const),
  ['split', { parameters: ['any'], variadic: true, call: ([value]) => [value] }] as const,
]);
