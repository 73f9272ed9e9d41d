/** The values of number, character and string literals, as Go reads them. */
import { goUnquote } from './quote.ts';
import { GoFloat } from './value.ts';

export const parseStringLiteral = goUnquote;

/** An int, or a GoFloat where the literal is written as one; undefined where it is no number. */
export function parseNumber(text: string): number | bigint | GoFloat | undefined {
  if (text.startsWith("'")) {
    const character = goUnquote(text);
    const points = character === undefined ? [] : [...character];
    return points.length === 1 ? points[0]?.codePointAt(0) : undefined;
  }
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '');
  const isFloat = /[.eE]/.test(digits) && !/^0[xX]/.test(digits);
  // Go's 0755 is octal, JavaScript's Number('0755') is not.
  const plain = !isFloat && /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const value = Number(plain);
  if (!Number.isFinite(value)) return undefined;
  if (isFloat) return new GoFloat(sign * value);
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : sign * value;
  const exact = BigInt(plain) * BigInt(sign);
  return exact === BigInt.asIntN(64, exact) ? exact : undefined;
}
