/**
 * Splits a template into tokens: literal text, and the words of each action between `{{` and `}}`.
 *
 * Spaces inside an action are tokens, because Go's grammar needs them: `.A.B` is one field chain, `.A .B` are two
 * operands. Trim markers and comments end here and never reach the parser. A mistake becomes a last token of type
 * 'error', so that the parser reports whichever mistake comes first in reading order, its own or the lexer's.
 */
import { goQuote } from './quote.ts';

export type TokenType =
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'field'
  | 'variable'
  | 'identifier'
  | 'keyword'
  | 'dot'
  | 'nil'
  | 'bool'
  | 'number'
  | 'char'
  | 'string'
  | 'pipe'
  | 'declare'
  | 'assign'
  | 'comma'
  | 'leftParen'
  | 'rightParen'
  /** Any other printable character: never right, but the parser says where. */
  | 'other'
  | 'eof'
  | 'error';

export interface Token {
  readonly type: TokenType;
  readonly text: string;
  /** Offset in the template, from 0. */
  readonly at: number;
  /** From 1. */
  readonly line: number;
}

const KEYWORDS = new Set([
  'if', 'else', 'end', 'range', 'with', 'define', 'template', 'block', 'break', 'continue',
]); // prettier-ignore
const SPACE = /[ \t\r\n]/;
const WORD = /[\p{L}\p{Nd}_]/u;
const PUNCTUATION: Readonly<Record<string, TokenType>> = { '|': 'pipe', ',': 'comma', '=': 'assign' };

export function tokenize(template: string): readonly Token[] {
  return new Lexer(template).run();
}

class Lexer {
  private readonly tokens: Token[] = [];
  private at = 0;
  private line = 1;
  private depth = 0;

  constructor(private readonly source: string) {}

  run(): readonly Token[] {
    let trimNext = false;
    for (;;) {
      const open = this.source.indexOf('{{', this.at);
      let text = this.source.slice(this.at, open < 0 ? undefined : open);
      const skipped = trimNext ? text.length - text.trimStart().length : 0;
      const trimsLeft = open >= 0 && isTrimMarker(this.source, open + 2);
      const start = this.at + skipped;
      text = text.slice(skipped);
      this.countLines(this.source.slice(this.at, start));
      const kept = trimsLeft ? text.trimEnd() : text;
      if (kept !== '') this.push('text', kept, start);
      this.countLines(text);
      if (open < 0) {
        this.push('eof', '', this.source.length);
        return this.tokens;
      }
      this.at = open + (trimsLeft ? 4 : 2);
      this.countLines(this.source.slice(open, this.at));
      const closed = this.source.startsWith('/*', this.at) ? this.skipComment() : this.action(open);
      if (closed === undefined) return this.tokens;
      trimNext = closed.trims;
    }
  }

  private push(type: TokenType, text: string, at: number): void {
    this.tokens.push({ type, text, at, line: this.line });
  }

  private fail(what: string): undefined {
    this.push('error', what, this.at);
    return undefined;
  }

  private countLines(text: string): void {
    for (const character of text) if (character === '\n') this.line++;
  }

  private skipComment(): { trims: boolean } | undefined {
    const end = this.source.indexOf('*/', this.at);
    if (end < 0) return this.fail('unclosed comment');
    const trims = /^[ \t\r\n]-\}\}/.test(this.source.slice(end + 2, end + 6));
    const close = end + 2 + (trims ? 2 : 0);
    if (!this.source.startsWith('}}', close)) return this.fail('comment ends before closing delimiter');
    this.countLines(this.source.slice(this.at, close));
    this.at = close + 2;
    return { trims };
  }

  /** The inside of one action, up to and with its closing delimiter. */
  private action(open: number): { trims: boolean } | undefined {
    this.push('left', '{{', open);
    this.depth = 0;
    for (;;) {
      const rest = this.source.slice(this.at, this.at + 4);
      const trims = /^[ \t\r\n]-\}\}/.test(rest);
      if (trims || rest.startsWith('}}')) {
        if (this.depth > 0) return this.fail('unclosed left paren');
        this.countLines(rest.slice(0, trims ? 4 : 2));
        this.push('right', '}}', this.at);
        this.at += trims ? 4 : 2;
        return { trims };
      }
      if (!this.word()) return undefined;
    }
  }

  /** One token inside an action; false once an 'error' token was pushed. */
  private word(): boolean {
    const start = this.at;
    const first = this.source.charAt(start);
    if (first === '') return this.fail('unclosed action') ?? false;
    if (SPACE.test(first)) return this.spaces();
    if (this.source.startsWith(':=', start)) return this.take('declare', 2);
    const punctuation = PUNCTUATION[first];
    if (punctuation !== undefined) return this.take(punctuation, 1);
    if (first === ':') return this.fail('expected :=') ?? false;
    if (first === '"') return this.quoted('"', 'string', 'unterminated quoted string');
    if (first === "'") return this.quoted("'", 'char', 'unterminated character constant');
    if (first === '`') return this.rawString();
    if (first === '(') {
      this.depth++;
      return this.take('leftParen', 1);
    }
    if (first === ')') {
      if (this.depth === 0) return this.fail('unexpected right paren') ?? false;
      this.depth--;
      return this.take('rightParen', 1);
    }
    if (first === '$') return this.name('variable');
    if (first === '.' && !/[0-9]/.test(this.source.charAt(start + 1))) return this.name('field');
    if (/[0-9.+-]/.test(first)) return this.number();
    if (WORD.test(first)) return this.name('identifier');
    if (/[!-~]/.test(first)) return this.take('other', 1);
    return this.fail(`unrecognized character in action: ${describeCharacter(this.source, start)}`) ?? false;
  }

  private take(type: TokenType, length: number): boolean {
    const text = this.source.slice(this.at, this.at + length);
    this.push(type, text, this.at);
    this.countLines(text);
    this.at += length;
    return true;
  }

  private spaces(): boolean {
    let end = this.at;
    // The space before a `-}}` belongs to the trim marker.
    while (SPACE.test(this.source.charAt(end)) && !this.source.startsWith('-}}', end + 1)) end++;
    return end === this.at ? true : this.take('space', end - this.at);
  }

  private quoted(quote: string, type: TokenType, unterminated: string): boolean {
    let end = this.at + 1;
    while (this.source.charAt(end) !== quote) {
      const character = this.source.charAt(end);
      if (character === '' || character === '\n') return this.fail(unterminated) ?? false;
      end += character === '\\' ? 2 : 1;
    }
    return this.take(type, end + 1 - this.at);
  }

  private rawString(): boolean {
    const end = this.source.indexOf('`', this.at + 1);
    if (end < 0) return this.fail('unterminated raw quoted string') ?? false;
    return this.take('string', end + 1 - this.at);
  }

  /** `.Name`, `$name`, `name`: each ends where Go says a word may end. */
  private name(kind: 'field' | 'variable' | 'identifier'): boolean {
    let end = this.at + (kind === 'identifier' ? 0 : 1);
    while (WORD.test(this.source.charAt(end))) end++;
    const text = this.source.slice(this.at, end);
    if (!this.isAtTerminator(end)) {
      this.at = end;
      return this.fail(`bad character ${describeCharacter(this.source, end)}`) ?? false;
    }
    const type = kind === 'identifier' ? wordType(text) : text === '.' ? 'dot' : kind;
    return this.take(type, text.length);
  }

  private isAtTerminator(at: number): boolean {
    const next = this.source.charAt(at);
    return next === '' || SPACE.test(next) || '.,|:()='.includes(next) || this.source.startsWith('}}', at);
  }

  private number(): boolean {
    const match =
      /^[+-]?(?:0[xX][0-9a-fA-F_]*|0[bB][01_]*|0[oO][0-7_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)/.exec(
        this.source.slice(this.at),
      );
    const text = match?.[0] ?? '';
    const next = this.source.charAt(this.at + text.length);
    const bad = !/[0-9]/.test(text) || /[\p{L}\p{Nd}_+-]/u.test(next);
    if (bad) {
      const shown = this.source.slice(
        this.at,
        this.at + text.length + (/[\p{L}\p{Nd}_+-]/u.test(next) ? 1 : 0),
      );
      return this.fail(`bad number syntax: ${goQuote(shown)}`) ?? false;
    }
    return this.take('number', text.length);
  }
}

function wordType(text: string): TokenType {
  if (KEYWORDS.has(text)) return 'keyword';
  if (text === 'true' || text === 'false') return 'bool';
  return text === 'nil' ? 'nil' : 'identifier';
}

function isTrimMarker(source: string, at: number): boolean {
  return source.charAt(at) === '-' && SPACE.test(source.charAt(at + 1));
}

/** Go's %#U: `U+0021 '!'`. */
function describeCharacter(source: string, at: number): string {
  const point = source.codePointAt(at) ?? 0;
  const code = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
  return point < 0x20 ? code : `${code} '${String.fromCodePoint(point)}'`;
}

/** A token as Go's parser names it in "unexpected …". */
export function describeToken(token: Token): string {
  if (token.type === 'eof') return 'EOF';
  if (token.type === 'error') return token.text;
  if (['keyword', 'dot', 'nil'].includes(token.type)) return `<${token.text}>`;
  const quoted = goQuote([...token.text].slice(0, 10).join(''));
  return token.text.length > 10 ? `${quoted}...` : quoted;
}
