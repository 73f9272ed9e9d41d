/**
 * Go's quoted strings and characters, both ways: reading a literal out of a template and `%q`. Go's escapes are not
 * JSON's: `\a`, `\x07`, octal and `\U0001F600` exist, and a printable character is never escaped.
 */

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', "'": "'", '"': '"',
}; // prettier-ignore
const nameOf = (character: string): string | undefined =>
  Object.keys(ESCAPES).find((name) => ESCAPES[name] === character);

/** `text` as a Go string literal; with `asciiOnly`, %+q's. */
export function goQuote(text: string, quote: '"' | "'" = '"', asciiOnly = false): string {
  let quoted: string = quote;
  for (const character of text) quoted += escapeCharacter(character, quote, asciiOnly);
  return quoted + quote;
}

function escapeCharacter(character: string, quote: string, asciiOnly: boolean): string {
  if (character === quote || character === '\\') return `\\${character}`;
  const point = character.codePointAt(0) ?? 0;
  if (character === '"' || character === "'") return character;
  const name = nameOf(character);
  if (name !== undefined) return `\\${name}`;
  if (point < 0x20 || point === 0x7f) return `\\x${point.toString(16).padStart(2, '0')}`;
  const printable = !/[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Z}]/u.test(character);
  if (character === ' ' || (printable && !(asciiOnly && point > 0x7e))) return character;
  return point > 0xffff
    ? `\\U${point.toString(16).padStart(8, '0')}`
    : `\\u${point.toString(16).padStart(4, '0')}`;
}

/** The value of a quoted, raw or character literal; undefined where an escape is not Go's. */
export function goUnquote(literal: string): string | undefined {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`')) return body.replaceAll('\r', '');
  const pattern =
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"])|([\s\S]?))/g;
  let valid = true;
  const text = body.replace(
    pattern,
    (_all, x?: string, u?: string, U?: string, octal?: string, name?: string) => {
      const hex = x ?? u ?? U;
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
      const escaped = name === undefined ? undefined : ESCAPES[name];
      if (escaped === undefined || (name === "'" && literal.startsWith('"'))) valid = false;
      return escaped ?? '';
    },
  );
  return valid ? text : undefined;
}
