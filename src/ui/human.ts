/**
 * Sizes, durations and shortenings in Docker's words. Sizes follow its go-units package: `%.3g` or `%.4g` and a unit,
 * powers of 1000 for what is stored, of 1024 for memory. Durations are rounded to one number and one unit.
 */
const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** '5.61MB': three digits in lists, four in sentences. */
export const humanSize = (bytes: number, digits = 3): string => inUnits(bytes, 1000, DECIMAL, digits);

/** '1.952GiB' */
export const humanMemory = (bytes: number, digits = 4): string => inUnits(bytes, 1024, BINARY, digits);

function inUnits(bytes: number, base: number, units: readonly string[], digits: number): string {
  let value = bytes;
  let unit = 0;
  // A value that rounds up uses the next unit, unlike Docker's '1e+03MB'.
  while (Number(value.toPrecision(digits)) >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit] ?? ''}`;
}

/** 'About a minute', '2 hours', '3 weeks'. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  const minutes = Math.trunc(milliseconds / 60_000);
  const hours = Math.trunc(milliseconds / 3_600_000 + 0.5);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(milliseconds / 3_600_000 / 24 / 365)} years`;
}

/** '2 hours ago'; '' for the zero time. */
export function humanAgo(timestamp: string, now: Date): string {
  return isNever(timestamp) ? '' : `${humanDuration(now.getTime() - Date.parse(timestamp))} ago`;
}

export const isNever = (timestamp: string): boolean => timestamp === '' || timestamp.startsWith('0001-');

/** 12 hex digits, without the name of the digest's algorithm. */
export const shortId = (id: string): string =>
  (id.includes(':') ? id.replace(/^[a-z0-9]+:/, '') : id).slice(0, 12);

/** At most `width` characters, the last one '…' where something was cut. */
export function ellipsis(text: string, width: number): string {
  // A text has at most as many characters as UTF-16 units, which are quick to count.
  if (text.length <= width) return text;
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

/** '2026-11-24 12:41:00 +0000 UTC': Go's default rendering of a time, in the local zone as Docker prints it. */
export function goTime(timestamp: string): string {
  const time = new Date(Date.parse(timestamp));
  const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, '0');
  const offset = -time.getTimezoneOffset();
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  const zone = `${offset < 0 ? '-' : '+'}${two(offset / 60)}${two(offset % 60)}`;
  return `${day} ${clock} ${zone} ${zoneName(time, zone)}`;
}

/** 'UTC', 'CET', or where the zone has no abbreviation the offset again, as Go does. */
function zoneName(time: Date, offset: string): string {
  if (time.getTimezoneOffset() === 0) return 'UTC';
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(time);
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  return /^[A-Z]{3,5}$/.test(name) && !name.startsWith('GMT') ? name : offset;
}
