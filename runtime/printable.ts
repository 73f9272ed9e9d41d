/**
 * Makes others' text (from an image, a container, a registry, another program) fit to print. A terminal acts on
 * control characters: they move the cursor, set the title, answer in the user's name; characters that turn the
 * direction of writing show a line as something it is not. Each is shown as its escape, `\x1b` or `\u202e`.
 *
 * Names, tables, prose and messages go through `printable` or `oneLine` where they are put together, and all text
 * goes through `fitForTerminal` once more where it leaves the program (StandardStream). What a container itself writes
 * is bytes, not text, and stays as it is.
 */
/** C0, DEL and C1; the marks, embeddings and isolates of bidirectional text; two more ends of a line. */
const UNSAFE = '[\\p{Cc}\\p{Bidi_Control}\\u2028\\u2029]';
/** Made when they are needed, which is rare: the classes of Unicode take each process 70 µs. */
const notPlain = (): RegExp => new RegExp(UNSAFE, 'gu');
const notPlainButLayout = (): RegExp => new RegExp(`(?![\\n\\t])${UNSAFE}`, 'gu');
const notOurs = (): RegExp => new RegExp(`(?![\\n\\t]|\\r\\n|\\x1b\\[[0-9;]*m)${UNSAFE}`, 'gu');

/** One look is enough for nearly all text, and costs less than the classes above. */
const PLAIN = /^[\x20-\x7e]*$/;
const PLAIN_LINES = /^[\x20-\x7e\n\t]*$/;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t' };

const escapeOf = (character: string): string => {
  const hex = character.charCodeAt(0).toString(16);
  return NAMED[character] ?? (hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`);
};

/** On one line: a name, a cell of a table, a word of prose. */
export const oneLine = (text: string): string =>
  PLAIN.test(text) ? text : text.replace(notPlain(), escapeOf);

/** With its own lines and tabs: a message, what a program says. */
export const printable = (text: string): string =>
  PLAIN_LINES.test(text) ? text : text.replace(notPlainButLayout(), escapeOf);

/** Text of ours as a whole: also with colours, and the line ends of a terminal in raw mode. */
export const fitForTerminal = (text: string): string =>
  PLAIN_LINES.test(text) ? text : text.replace(notOurs(), escapeOf);

/** JSON for programs, which people look at too. JSON.stringify leaves DEL, C1 and bidi as they are; nothing is lost. */
export const printableJson = (value: unknown, indent?: number): string =>
  escapeJson(JSON.stringify(value, null, indent) ?? 'null');

/** Text that is JSON already, as other programs print it: with a control character as it is, it cannot be parsed. */
export const escapeJson = (json: string): string =>
  PLAIN_LINES.test(json)
    ? json
    : json.replace(
        notPlainButLayout(),
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
