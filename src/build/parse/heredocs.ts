/** Here-documents of RUN, COPY and ADD, and of these behind ONBUILD: their names in a line, their text below it. */
import { syntaxError, type LineRange } from '../errors.ts';
import { rawWords } from './raw-words.ts';

export interface Heredoc {
  readonly name: string;
  /** The word as it stands in the line: `<<-"EOF"`. */
  readonly word: string;
  /** With the line ends; of `<<-` with its tabs. */
  readonly content: string;
  /** Variables are put in: the name is not quoted. */
  readonly expand: boolean;
  /** `<<-`: tabs at the beginning of a line are no part of the text. */
  readonly chomp: boolean;
  /** The descriptor of `3<<EOF`; 0 without one. */
  readonly fd: number;
}

type Opening = Omit<Heredoc, 'content'>;

const CAN_HAVE = new Set(['RUN', 'COPY', 'ADD', 'ONBUILD']);

export function openingsOf(keyword: string, rest: string): readonly Opening[] {
  if (!CAN_HAVE.has(keyword)) return [];
  if (keyword === 'ONBUILD') {
    const [, inner = '', its = ''] = /^(\S+)\s+([\s\S]*)$/.exec(rest) ?? [];
    return inner.toUpperCase() === 'ONBUILD' ? [] : openingsOf(inner.toUpperCase(), its);
  }
  return rawWords(rest).flatMap((word) => {
    const [, fd = '', dash = '', quoted = ''] = /^(\d*)<<(-?)([^<]+)$/.exec(word) ?? [];
    const name = quoted.replace(/["']/g, '').replace(/\\(.)/g, '$1');
    if (name === '') return [];
    return [{ name, word, expand: name === quoted, chomp: dash !== '', fd: Number(fd) }];
  });
}

/** `next` is the line below the instruction's own, from 1 on. @throws BuildError for one without an end. */
export function heredocsOf(
  keyword: string,
  rest: string,
  lines: readonly string[],
  next: number,
  range: LineRange,
): readonly Heredoc[] {
  let at = next;
  return openingsOf(keyword, rest).map((opening) => {
    const from = at;
    const end = endOf(opening, lines, from);
    if (end === undefined) throw syntaxError(`unterminated heredoc ${opening.word}`, range);
    at = end + 1;
    return {
      ...opening,
      content: lines
        .slice(from - 1, end - 1)
        .map((line) => `${line}\n`)
        .join(''),
    };
  });
}

/** The line that ends it, from 1 on. */
export function endOf(
  { name, chomp }: Pick<Heredoc, 'name' | 'chomp'>,
  lines: readonly string[],
  from: number,
): number | undefined {
  for (let at = from; at <= lines.length; at++) {
    const line = lines[at - 1] ?? '';
    if ((chomp ? line.replace(/^\t+/, '') : line) === name) return at;
  }
  return undefined;
}

export const withoutTabs = (content: string): string => content.replace(/^\t+/gm, '');
