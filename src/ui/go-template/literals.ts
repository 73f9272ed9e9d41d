/** The values of number, character and string literals, as Go reads them. */
import { goUnquote } from './quote.ts';
import { GoFloat } from './value.ts';

export const parseStringLiteral = goUnquote;

/** An int, or a GoFloat where the literal is written as one; undefined where it is no number. */
export function parseNumber(text: string): number | GoFloat | undefined {
  if (text.startsWith("'")) {
    const character = goUnquote(text);
    const points = character === undefined ? [] : [...character];
    return points.length === 1 ? points[0]?.codePointAt(0) : undefined;
  }
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '');
  const isFloat = /[.eE]/.test(digits) && !/^0[xX]/.test(digits);
  // Go's 0755 is octal, JavaScript's Number('0755') is not.
  const value = Number(!isFloat && /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (!Number.isFinite(value)) return undefined;
  return isFloat ? new GoFloat(sign * value) : sign * value === 0 ? 0 : sign * value;
}
