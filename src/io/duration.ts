/** Go's durations, as Docker's flags take them. */

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** '1h30m', '-1.5s', '0' to nanoseconds; undefined where it is none. */
export function parseDuration(text: string): bigint | undefined {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) return undefined;
  let total = 0n;
  for (const [, number = '', unit = ''] of (match[2] ?? '').matchAll(/(\d*\.?\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const [whole = '', fraction = ''] = number.split('.');
    const scale = UNITS[unit] ?? 0;
    total += BigInt(whole === '' ? 0 : whole) * BigInt(scale);
    if (fraction !== '') total += BigInt(Math.trunc(Number(`0.${fraction}`) * scale));
  }
  return match[1] === '-' ? -total : total;
}
