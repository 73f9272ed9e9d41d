/**
 * Quotes, escapes and variables of a word, as BuildKit's frontend reads them (its shell/lex.go): `$x`, `${x}`,
 * `${x:-word}`, `${x-word}`, `${x:+word}`, `${x+word}`, `${x:?word}`, `${x#pattern}`, `${x##pattern}`, `${x%pattern}`,
 * `${x%%pattern}`, `${x/pattern/replacement}`, `${x//pattern/replacement}`. Pure.
 */
import { replaceMatches, withoutPrefix, withoutSuffix } from './shell-pattern.ts';

export type Variables = ReadonlyMap<string, string>;

/** A word that makes no sense; the caller knows the line. */
export class WordError extends Error {}

/** One word, which stays one whatever the variables hold. @throws WordError. */
export const expandWord = (word: string, env: Variables, escape = '\\'): string =>
  new Lexer(word, env, escape).all().text;

/** Several: white space outside of quotes separates, also that of a variable's value. @throws WordError. */
export const expandWords = (words: string, env: Variables, escape = '\\'): readonly string[] =>
  new Lexer(words, env, escape).all().words;

/** What a text refers to, for the check of variables that nothing has set. */
export function undefinedVariables(word: string, env: Variables, escape = '\\'): readonly string[] {
  const lexer = new Lexer(word, env, escape);
  try {
    lexer.all();
  } catch (error) {
    if (!(error instanceof WordError)) throw error;
  }
  return [...lexer.missing];
}

class Lexer {
  readonly missing = new Set<string>();
  private at = 0;
  private readonly words: string[] = [];
  private word = '';
  private inWord = false;

  constructor(
    private readonly source: string,
    private readonly env: Variables,
    private readonly escape: string,
  ) {}

  all(): { readonly text: string; readonly words: readonly string[] } {
    const text = this.until('', false, true);
    return { text, words: this.inWord ? [...this.words, this.word] : this.words };
  }

  /** `top`: what is read makes words. */
  private until(stop: string, rawEscapes: boolean, top = false): string {
    let text = '';
    const add = (piece: string, splits: boolean): void => {
      text += piece;
      if (top) this.note(piece, splits);
    };
    while (this.at < this.source.length) {
      const char = this.source.charAt(this.at);
      if (char === stop) {
        this.at++;
        return text;
      }
      if (char === "'") add(this.single(), false);
      else if (char === '"') add(this.double(), false);
      else if (char === '$') add(this.dollar(), true);
      else if (char === this.escape) {
        this.at++;
        if (rawEscapes) text += char;
        if (this.at >= this.source.length) break;
        add(this.source.charAt(this.at++), false);
      } else {
        this.at++;
        add(char, true);
      }
    }
    if (stop !== '') throw new WordError(`unexpected end of statement while looking for matching ${stop}`);
    return text;
  }

  private note(piece: string, splits: boolean): void {
    if (!splits) {
      this.word += piece;
      this.inWord = true;
      return;
    }
    for (const char of piece) {
      if (!/\s/.test(char)) {
        this.word += char;
        this.inWord = true;
      } else if (this.inWord) {
        this.words.push(this.word);
        this.word = '';
        this.inWord = false;
      }
    }
  }

  private single(): string {
    const end = this.source.indexOf("'", this.at + 1);
    if (end < 0) throw new WordError('unexpected end of statement while looking for matching single-quote');
    const text = this.source.slice(this.at + 1, end);
    this.at = end + 1;
    return text;
  }

  private double(): string {
    let text = '';
    this.at++;
    while (this.at < this.source.length) {
      const char = this.source.charAt(this.at);
      if (char === '"') {
        this.at++;
        return text;
      }
      if (char === '$') {
        text += this.dollar();
        continue;
      }
      this.at++;
      const next = this.source.charAt(this.at);
      if (char === this.escape && next !== '' && ['"', '$', this.escape].includes(next)) {
        this.at++;
        text += next;
      } else text += char;
    }
    throw new WordError('unexpected end of statement while looking for matching double-quote');
  }

  private dollar(): string {
    this.at++;
    if (this.source.charAt(this.at) !== '{') {
      const name = this.name();
      return name === '' ? '$' : (this.get(name) ?? '');
    }
    this.at++;
    if (['', '{', '}', ':'].includes(this.source.charAt(this.at)))
      throw new WordError('syntax error: bad substitution');
    const name = this.name();
    const operator = this.source.charAt(this.at++);
    if (operator === '}') return this.get(name) ?? '';
    if (operator === ':') return this.choose(name, this.source.charAt(this.at++), true);
    if (operator === '') throw new WordError("syntax error: missing '}'");
    if (operator === '#' || operator === '%') return this.trim(name, operator);
    return operator === '/' ? this.replace(name) : this.choose(name, operator, false);
  }

  /** `colon`: an empty value counts as none. */
  private choose(name: string, operator: string, colon: boolean): string {
    const shown = `${colon ? ':' : ''}${operator}`;
    if (!['+', '-', '?'].includes(operator))
      throw new WordError(`unsupported modifier (${shown}) in substitution`);
    const value = this.env.get(name);
    const word = this.until('}', false);
    const isSet = value !== undefined && !(colon && value === '');
    if (operator === '+') return isSet ? word : '';
    if (isSet) return value;
    if (operator === '-') return word;
    const reason = word === '' ? `not allowed to be ${value === undefined ? 'unset' : 'empty'}` : word;
    throw new WordError(`${name}: ${reason}`);
  }

  private trim(name: string, operator: '#' | '%'): string {
    const greedy = this.source.charAt(this.at) === operator;
    if (greedy) this.at++;
    const pattern = this.until('}', true);
    const value = this.get(name) ?? '';
    return (operator === '#' ? withoutPrefix : withoutSuffix)(pattern, value, greedy);
  }

  private replace(name: string): string {
    const all = this.source.charAt(this.at) === '/';
    if (all) this.at++;
    const pattern = this.until('/', true);
    return replaceMatches(pattern, this.get(name) ?? '', this.until('}', false), all);
  }

  private get(name: string): string | undefined {
    const value = this.env.get(name);
    if (value === undefined) this.missing.add(name);
    return value;
  }

  private name(): string {
    const rest = this.source.slice(this.at);
    const [name = ''] = /^([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])/.exec(rest) ?? [];
    this.at += name.length;
    return name;
  }
}
