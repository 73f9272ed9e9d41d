/**
 * Go's fmt.Sprintf: flags `+-# 0`, width and precision (also `*`), argument indexes `[1]`, and the verbs that have a
 * meaning for a template's values. What does not fit is written into the text, as Go does: `%!d(string=hi)`,
 * `%!s(MISSING)`, `%!(EXTRA int=1)`.
 */
import { formatFloat, formatValue, goExponent } from './printing.ts';
import { goQuote } from './quote.ts';
import { isObject, isStruct, keysOf, kindOf, toNumber, typeName } from './value.ts';

interface Flags {
  readonly plus: boolean;
  readonly minus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

const DIRECTIVE =
  /%([+\-# 0]*)(?:\[(\d+)\])?(\*|\d+)?(?:(\.)(?:\[(\d+)\])?(\*|\d+)?)?(?:\[(\d+)\])?([\s\S]?)/gu;

export function sprintf(format: string, args: readonly unknown[]): string {
  let position = 0;
  let reordered = false;
  const jump = (index: string | undefined): void => {
    if (index === undefined) return;
    position = Number(index) - 1;
    reordered = true;
  };
  const star = (text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    return text === '*' ? toNumber(args[position++]) : Number(text);
  };
  const text = format.replace(
    DIRECTIVE,
    (
      _all,
      letters: string,
      first: string | undefined,
      widthText: string | undefined,
      dot: string | undefined,
      second: string | undefined,
      precisionText: string | undefined,
      third: string | undefined,
      verb: string,
    ) => {
      jump(first);
      const width = star(widthText);
      jump(second);
      const precision = star(precisionText);
      jump(third);
      if (verb === '') return '%!(NOVERB)';
      if (verb === '%') return '%';
      if (position >= args.length || position < 0) {
        return reordered ? `%!${verb}(BADINDEX)` : `%!${verb}(MISSING)`;
      }
      const flags: Flags = {
        plus: letters.includes('+'),
        minus: letters.includes('-') || (width ?? 0) < 0,
        sharp: letters.includes('#'),
        space: letters.includes(' '),
        zero: letters.includes('0') && !letters.includes('-'),
        width: width === undefined ? undefined : Math.abs(width),
        precision: dot === undefined ? undefined : (precision ?? 0),
      };
      return formatVerb(args[position++], verb, flags);
    },
  );
  if (reordered || position >= args.length) return text;
  const extra = args
    .slice(position)
    .map((arg) => (isNil(arg) ? '<nil>' : `${typeName(arg)}=${formatValue(arg)}`));
  return `${text}%!(EXTRA ${extra.join(', ')})`;
}

const isNil = (value: unknown): boolean => value === null || value === undefined;

function formatVerb(value: unknown, verb: string, flags: Flags): string {
  if (verb === 'T') return pad(typeName(value), flags);
  if (isNil(value)) return verb === 'v' ? pad('<nil>', flags) : `%!${verb}(<nil>)`;
  if (verb === 'v' && flags.sharp) return pad(goSyntax(value), flags);
  if (Array.isArray(value)) return `[${value.map((item) => formatVerb(item, verb, flags)).join(' ')}]`;
  if (isObject(value)) {
    const struct = isStruct(value);
    const parts = keysOf(value).map((key) => {
      const item = formatVerb(value[key], verb, flags);
      if (struct) return flags.plus && verb === 'v' ? `${key}:${item}` : item;
      return `${formatVerb(key, verb, flags)}:${item}`;
    });
    return struct ? `{${parts.join(' ')}}` : `map[${parts.join(' ')}]`;
  }
  return formatBasic(value, verb, flags) ?? badVerb(value, verb);
}

const badVerb = (value: unknown, verb: string): string =>
  `%!${verb}(${typeName(value)}=${formatValue(value)})`;

function formatBasic(value: unknown, verb: string, given: Flags): string | undefined {
  // %+v asks for field names, not for a sign.
  const flags = verb === 'v' ? { ...given, plus: false } : given;
  switch (kindOf(value)) {
    case 'bool':
      return verb === 't' || verb === 'v' ? pad(String(value), flags) : undefined;
    case 'string':
      return formatString(String(value), verb, flags);
    case 'int':
      return formatInteger(value as number | bigint, verb, flags);
    case 'float':
      return formatFloatVerb(toNumber(value), verb, flags);
    default:
      return pad(formatValue(value), flags);
  }
}

function formatString(text: string, verb: string, flags: Flags): string | undefined {
  const cut = flags.precision === undefined ? text : [...text].slice(0, flags.precision).join('');
  switch (verb) {
    case 's':
    case 'v':
      return pad(cut, flags);
    case 'q':
      return pad(
        flags.sharp && !/[`\x00-\x08\x0a-\x1f\x7f]/.test(cut) ? `\`${cut}\`` : goQuote(cut, '"', flags.plus),
        flags,
      );
    case 'x':
    case 'X': {
      const bytes = [...Buffer.from(text).subarray(0, flags.precision)];
      const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(flags.space ? ' ' : '');
      const prefixed = flags.sharp ? `0x${hex}` : hex;
      return pad(verb === 'X' ? prefixed.toUpperCase() : prefixed, flags);
    }
    default:
      return undefined;
  }
}

const BASES: Readonly<Record<string, { base: number; prefix: string }>> = {
  v: { base: 10, prefix: '' },
  d: { base: 10, prefix: '' },
  b: { base: 2, prefix: '0b' },
  o: { base: 8, prefix: '0' },
  O: { base: 8, prefix: '' },
  x: { base: 16, prefix: '0x' },
  X: { base: 16, prefix: '0X' },
};

function formatInteger(value: number | bigint, verb: string, flags: Flags): string | undefined {
  if (verb === 'c') return pad(String.fromCodePoint(Number(value)), flags);
  if (verb === 'q') return pad(goQuote(String.fromCodePoint(Number(value)), "'"), flags);
  if (verb === 'U') return pad(`U+${value.toString(16).toUpperCase().padStart(4, '0')}`, flags);
  const form = BASES[verb];
  if (form === undefined) return undefined;
  const negative = value < 0;
  const magnitude = (negative ? -value : value).toString(form.base).padStart(flags.precision ?? 0, '0');
  const digits = verb === 'X' ? magnitude.toUpperCase() : magnitude;
  const prefix = verb === 'O' ? '0o' : flags.sharp ? form.prefix : '';
  return padNumber(signOf(negative, flags) + prefix, digits, flags.precision === undefined, flags);
}

function formatFloatVerb(value: number, verb: string, flags: Flags): string | undefined {
  const magnitude = Math.abs(value);
  const text = floatDigits(magnitude, verb, flags);
  if (text === undefined) return undefined;
  const digits = verb === 'E' || verb === 'G' ? text.toUpperCase() : text;
  return padNumber(signOf(value < 0 || Object.is(value, -0), flags), digits, true, flags);
}

function floatDigits(magnitude: number, verb: string, { precision }: Flags): string | undefined {
  if (!Number.isFinite(magnitude)) return 'fFeEgGv'.includes(verb) ? formatFloat(magnitude) : undefined;
  switch (verb) {
    case 'f':
    case 'F':
      return fixed(magnitude, precision ?? 6);
    case 'e':
    case 'E':
      return goExponent(magnitude.toExponential(precision ?? 6));
    case 'v':
    case 'g':
    case 'G':
      return precision === undefined
        ? formatFloat(magnitude)
        : significant(magnitude, precision === 0 ? 1 : precision);
    default:
      return undefined;
  }
}

/** Number.toFixed, except that a tie goes to the even digit: 2.5 is 2 and 0.25 is 0.2, as in C and Go. */
function fixed(magnitude: number, places: number): string {
  const rounded = magnitude.toFixed(places);
  const exact = magnitude.toFixed(Math.min(100, places + 55));
  const rest = exact.slice((exact.indexOf('.') + 1 || exact.length) + places);
  if (!/^50*$/.test(rest) || !/[13579]$/.test(rounded)) return rounded;
  return exact.slice(0, exact.length - rest.length).replace(/\.$/, '');
}

/** %.3g: that many significant digits, trailing zeros dropped, an exponent where it is shorter. */
function significant(magnitude: number, digits: number): string {
  const exponent = magnitude === 0 ? 0 : Number(magnitude.toExponential(digits - 1).split('e')[1]);
  const trim = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (exponent >= -4 && exponent < digits) return trim(fixed(magnitude, Math.max(0, digits - 1 - exponent)));
  const [mantissa = '', power = ''] = magnitude.toExponential(digits - 1).split('e');
  return goExponent(`${trim(mantissa)}e${power}`);
}

function signOf(negative: boolean, flags: Flags): string {
  if (negative) return '-';
  return flags.plus ? '+' : flags.space ? ' ' : '';
}

function padNumber(sign: string, digits: string, zeros: boolean, flags: Flags): string {
  if (!flags.zero || !zeros) return pad(sign + digits, { ...flags, zero: false });
  return sign + digits.padStart((flags.width ?? 0) - sign.length, '0');
}

function pad(text: string, { width, minus, zero }: Flags): string {
  const missing = (width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  return minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text;
}

/** %#v: as it would stand in Go source. */
function goSyntax(value: unknown): string {
  if (typeof value === 'string') return goQuote(value);
  if (isNil(value)) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (isObject(value)) {
    const parts = keysOf(value).map(
      (key) => `${isStruct(value) ? key : goQuote(key)}:${goSyntax(value[key])}`,
    );
    return `${typeName(value)}{${parts.join(', ')}}`;
  }
  return formatValue(value);
}
