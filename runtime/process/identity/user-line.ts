/**
 * Regular expressions for the lines of a passwd or group file that may be the ones looked for: a newline and the
 * line's beginning, in text as lines.ts gives it. Both files have the name in the first field, the number in the third.
 *
 * The file may be made to be slow to search. No expression here has two ways to read the same characters, so the time
 * it takes grows with the text and not with its square.
 */

/** The user: by name, or by a number, which may also be a name. */
export interface Wanted {
  readonly name: string;
  readonly number: number | undefined;
}

export const wantedOf = (arg: string): Wanted => ({
  name: arg,
  number: /^-?\d+$/.test(arg) ? Number(arg) : undefined,
});

const FIELD = '[^:\\n]*:';
const FIELD_END = '(?=:|[ \\t\\r]*(?:\\n|$))';

export const userPattern = (wanted: Wanted): RegExp =>
  anyOf([`${named(wanted)}${FIELD_END}`, ...numbered(wanted)]);

/** Of all groups that are meant, and those that have the member ('' for none); what has no number is no group. */
export function groupPattern(wanted: readonly Wanted[], member: string): RegExp {
  const meant = wanted.flatMap((one) => [`${named(one)}:${FIELD}\\d+${FIELD_END}`, ...numbered(one)]);
  const listed = `\\n${FIELD}${FIELD}\\d+:(?:[^:\\n]*,)?${literal(member)}(?=,|${FIELD_END})`;
  return anyOf(member === '' ? meant : [...meant, listed]);
}

const named = ({ name }: Wanted): string => `\\n[ \\t\\r]*${literal(name)}`;

const numbered = ({ number }: Wanted): readonly string[] =>
  number === undefined || number < 0
    ? []
    : [`\\n${FIELD}${FIELD}${number === 0 ? '0+' : `0*${String(number)}`}${FIELD_END}`];

/** Matches nothing where there are none. */
const anyOf = (patterns: readonly string[]): RegExp => new RegExp(patterns.join('|') || '(?!)', 'g');

/** The text is latin1: each byte of a name is a character of it. */
const literal = (name: string): string =>
  Buffer.from(name)
    .toString('latin1')
    .replace(/[^\w]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Of the line that a match begins before. */
export function fieldsAt(text: string, newline: number): readonly string[] {
  const end = text.indexOf('\n', newline + 1);
  const line = text.slice(newline + 1, end === -1 ? undefined : end);
  return Buffer.from(line, 'latin1').toString().trim().split(':');
}
