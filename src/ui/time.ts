/**
 * Times on the command line, as Docker's --since and --until take them: RFC 3339 or a part of it (local time where
 * it names no zone), UNIX seconds with a fraction, or a Go duration back from now ('1h30m'). All in nanoseconds.
 */
import { MinidockError } from '../../runtime/errors.ts';
import { parseDuration } from '../io/duration.ts';

const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** Nanoseconds since the epoch; `name` is that of the flag or filter. @throws MinidockError TIME_INVALID. */
export function parseInstant(text: string, now: bigint, name = 'time'): bigint {
  const duration = parseDuration(text);
  if (duration !== undefined && text !== '0') return now - duration;
  const seconds = /^(-?\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (seconds !== null) {
    return BigInt(seconds[1] ?? 0) * 1_000_000_000n + BigInt((seconds[2] ?? '').padEnd(9, '0'));
  }
  return parseDate(text) ?? fail(text, name);
}

function parseDate(text: string): bigint | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone] = match;
  const colon = zone?.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2') ?? '';
  const milliseconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${colon}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

function fail(text: string, name: string): never {
  throw new MinidockError({
    code: 'TIME_INVALID',
    message: `invalid value for "${name}": failed to parse value as time or duration: ${JSON.stringify(text)}`,
    hint: 'give a date (2026-01-02T15:04:05Z), seconds since 1970, or how long ago (1h30m)',
  });
}
