/** `created_by` of an image's history, in BuildKit's words, which are Go's formats. Pure. */
import type { ContainerDefaults } from '../../../images/types.ts';

/** Go's %v of a list. */
export const list = (words: readonly string[]): string => `[${words.join(' ')}]`;

/** Go's %q of a list. */
export const quotedList = (words: readonly string[]): string => `[${words.map(quoted).join(' ')}]`;

const quoted = (word: string): string => JSON.stringify(word).replace(/\u007f/g, '\\x7f');

export const healthText = (health: NonNullable<ContainerDefaults['Healthcheck']>): string => {
  const times = [health.Interval, health.Timeout, health.StartPeriod, health.StartInterval].map((time) =>
    quoted(goDuration(time ?? 0)),
  );
  return `HEALTHCHECK &{${quotedList(health.Test ?? [])} ${times.join(' ')} ${rune(health.Retries ?? 0)}}`;
};

/** Go's %q of a number is the character that it stands for. */
function rune(code: number): string {
  const named: Readonly<Record<number, string>> = {
    7: 'a',
    8: 'b',
    9: 't',
    10: 'n',
    11: 'v',
    12: 'f',
    13: 'r',
  };
  if (named[code] !== undefined) return `'\\${named[code]}'`;
  if (code < 32 || code === 127) return `'\\x${code.toString(16).padStart(2, '0')}'`;
  const char = String.fromCodePoint(code);
  return char === "'" || char === '\\' ? `'\\${char}'` : `'${char}'`;
}

/** Go's Duration.String of nanoseconds: '1m30s', '1.5s', '100ms'. */
function goDuration(ns: number): string {
  if (ns === 0) return '0s';
  if (ns < 1e9) return `${String(ns / 1e6)}ms`;
  const seconds = ns / 1e9;
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return `${h > 0 ? `${String(h)}h` : ''}${h > 0 || m > 0 ? `${String(m)}m` : ''}${String(s)}s`;
}
