/**
 * Sizes and processor counts as Docker's flags take them: `512m`, `1.5 GiB`, `--cpus 1.5`. Units are powers of 1024
 * whatever their spelling. Errors are Docker's, word for word, since people search the web for them.
 * `flag` is how Docker names it there: '-m, --memory', '--shm-size'.
 */
import { invalidArgument } from './flag-errors.ts';

const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** Bytes, fractions of one cut off. '' and negative numbers are refused. */
export function parseBytes(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)*) ?([kmgtp]?)i?b?$/i.exec(text);
  if (match === null) throw invalidArgument(text, flag, `invalid size: '${text}'`);
  const [, number = '', unit = ''] = match;
  if (number.split('.').length > 2) {
    throw invalidArgument(text, flag, `strconv.ParseFloat: parsing "${number}": invalid syntax`);
  }
  const bytes = Math.trunc(Number(number) * 1024 ** (POWERS[unit.toLowerCase()] ?? 0));
  // Beyond 2^53 a number is no longer exact, and no machine has that much.
  if (!Number.isSafeInteger(bytes)) throw invalidArgument(text, flag, `invalid size: '${text}'`);
  return bytes;
}

const NANO = 1_000_000_000n;

/** `--cpus` in billionths of a CPU. Like Docker's, it may be a fraction: '1/2'. Its range is checked later. */
export function parseCpus(text: string, flag = '--cpus'): number {
  const [numerator, denominator, ...rest] = text.split('/').map(parseDecimal);
  const divisor = !text.includes('/') ? { digits: 1n, scale: 0 } : denominator;
  if (numerator === undefined || divisor === undefined || divisor.digits === 0n || rest.length > 0) {
    throw invalidArgument(text, flag, `failed to parse ${text} as a rational number`);
  }
  // numerator / divisor * 10^9, all in whole numbers: 0.1 has no exact binary form.
  const above = numerator.digits * NANO * 10n ** BigInt(divisor.scale);
  const below = divisor.digits * 10n ** BigInt(numerator.scale);
  if (above % below !== 0n) throw invalidArgument(text, flag, 'value is too precise');
  return Number(above / below);
}

/** '1.5' is 15 scaled down by one digit. */
function parseDecimal(text: string): { digits: bigint; scale: number } | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d*)\.?(\d*)$/.exec(text) ?? [];
  if (whole + fraction === '') return undefined;
  return { digits: BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`), scale: fraction.length };
}
