/**
 * Words on their way into bash: the one place that quotes them. A command line that minidock prints is pasted or run
 * as root, and its words come from images, flags and the kernel. So a word is one word whatever it holds, and what is
 * quoted holds no control character: a newline or tab at a prompt, or an escape sequence on the screen, acts before
 * bash has read the quotes.
 */
import { oneLine } from '../printable.ts';
import type { Argv } from './argv.ts';

const BARE_WORD = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+:,./=-]*$/;

/** One word for bash, on one line. */
export function quoteWord(word: string): string {
  if (BARE_WORD.test(word)) return word;
  return oneLine(word) === word ? `'${word.replaceAll("'", `'\\''`)}'` : ansiQuoted(word);
}

/**
 * $'…', see QUOTING in bash(1), without a quote or `!` inside. Bytes and not \u: what that stands for depends on the
 * locale. A \x takes two digits at most, so nothing that follows is drawn in.
 */
function ansiQuoted(word: string): string {
  const escaped = [...word].map((character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    if (/[\\'!]/.test(character) || oneLine(character) !== character) return asBytes(character);
    return character;
  });
  return `$'${escaped.join('')}'`;
}

const asBytes = (character: string): string =>
  [...new TextEncoder().encode(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** Rules for nft and the like keep their lines, which read better; a word all the same. */
export const quoteLines = (text: string): string =>
  text.split('\n').every((line) => oneLine(line) === line)
    ? `'${text.replaceAll("'", `'\\''`)}'`
    : quoteWord(text);

export function renderArgv([program, ...args]: Argv): string {
  // A bare `A=b` in front would be an assignment.
  const first = quoteWord(program);
  return [first === program && program.includes('=') ? `'${program}'` : first, ...args.map(quoteWord)].join(
    ' ',
  );
}

/** A comment is one line, whatever is in it: a second one would be a command. */
export const comment = (text: string): string => `# ${oneLine(text)}`;
