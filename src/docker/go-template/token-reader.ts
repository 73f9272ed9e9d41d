/** Reads tokens one by one; an error names its line. */
import { TemplateSyntaxError } from './errors.ts';
import { describeToken, tokenize, type Token, type TokenType } from './lexer.ts';

export class TokenReader {
  private readonly tokens: readonly Token[];
  protected index = 0;

  constructor(protected readonly source: string) {
    this.tokens = tokenize(source);
  }

  protected peek(): Token {
    const token = this.tokens[Math.min(this.index, this.tokens.length - 1)];
    if (token === undefined) throw new Error('a template always has an end token');
    return token;
  }

  protected next(): Token {
    const token = this.peek();
    this.index++;
    return token;
  }

  protected skipSpace(): Token {
    while (this.peek().type === 'space') this.index++;
    return this.peek();
  }

  protected nextWord(): Token {
    this.skipSpace();
    return this.next();
  }

  protected expect(type: TokenType, context: string): Token {
    const token = this.nextWord();
    if (token.type !== type) this.unexpected(token, context);
    return token;
  }

  protected fail(what: string, line?: number): never {
    const token = this.tokens[Math.max(0, Math.min(this.index, this.tokens.length) - 1)];
    throw new TemplateSyntaxError(line ?? token?.line ?? 1, what);
  }

  protected unexpected(token: Token, context: string): never {
    if (token.type === 'error') this.fail(token.text, token.line);
    this.fail(`unexpected ${describeToken(token)} in ${context}`, token.line);
  }
}
