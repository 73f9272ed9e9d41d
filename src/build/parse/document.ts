/**
 * A Dockerfile's text as instructions: the one door to `dockerfile-ast`, which finds where each instruction begins and
 * ends. What an instruction says is put together here as BuildKit does: continuation lines are joined, comments and
 * empty lines between them left out, here-documents cut off. Where the library is wrong: corrections.ts.
 */
import { DockerfileParser } from 'dockerfile-ast';
import { syntaxError, type LineRange } from '../errors.ts';
import { correctRanges } from './corrections.ts';
import { joinLines } from './document-lines.ts';
import { heredocsOf, type Heredoc } from './heredocs.ts';

export interface RawInstruction {
  /** In capitals. */
  readonly keyword: string;
  /** On one line, without the keyword. */
  readonly rest: string;
  readonly heredocs: readonly Heredoc[];
  readonly lines: LineRange;
}

export interface Directives {
  readonly escape: string;
  readonly syntax?: string;
  readonly check?: string;
}

export interface Document {
  readonly directives: Directives;
  readonly instructions: readonly RawInstruction[];
  /** Without line ends. */
  readonly lines: readonly string[];
}

/** Bytes. The library's time grows with the square of the instructions. */
export const MAX_DOCKERFILE = 1 << 20;

/** @throws BuildError 'DOCKERFILE_SYNTAX'. */
export function parseDocument(source: string): Document {
  // The library takes the mark for a letter where directives follow it.
  const text = source.replace(/^\uFEFF/, '');
  if (text.includes('\0')) throw syntaxError('the file contains a NUL byte: it is no text');
  const parsed = DockerfileParser.parse(text);
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const directives = directivesOf(
    parsed.getDirectives().map((found) => [found.getName(), found.getValue(), found.getRange().start.line]),
  );
  const found = parsed.getInstructions().map((instruction) => {
    const { start, end } = instruction.getRange();
    return { first: start.line + 1, last: end.line + 1 };
  });
  const ranges = correctRanges(found, lines, directives.escape);
  return { directives, instructions: ranges.map((range) => read(range, lines, directives.escape)), lines };
}

function directivesOf(found: readonly (readonly [string, string, number])[]): Directives {
  const values = new Map<string, string>();
  for (const [given, value, line] of found) {
    const name = given.toLowerCase();
    if (!['escape', 'syntax', 'check'].includes(name)) break;
    const lines = { first: line + 1, last: line + 1 };
    if (values.has(name)) throw syntaxError(`only one ${name} parser directive can be used`, lines);
    values.set(name, value);
    if (name === 'escape' && value !== '\\' && value !== '`')
      throw syntaxError(`invalid escape token '${value}' does not match ${'\\'} or \``, lines);
  }
  const [syntax, check] = [values.get('syntax'), values.get('check')];
  return {
    escape: values.get('escape') ?? '\\',
    ...(syntax === undefined ? {} : { syntax }),
    ...(check === undefined ? {} : { check }),
  };
}

function read(range: LineRange, lines: readonly string[], escape: string): RawInstruction {
  const { text, next } = joinLines(lines, range, escape);
  const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  const keyword = word.toUpperCase();
  const heredocs = heredocsOf(keyword, rest, lines, next, range);
  return { keyword, rest: rest.trim(), heredocs, lines: range };
}
