/**
 * Tokens to syntax tree, by recursive descent. Names are resolved while reading, as in Go: an unknown function or
 * variable is a syntax error, found even in a branch that never runs. `define` and `block` land in `templates`.
 *
 *     statement = text | "{{" ( pipeline | if | with | range | template | block | define | break | continue ) "}}"
 *     pipeline  = [ variable [ "," variable ] ( ":=" | "=" ) ] command { "|" command }
 *     command   = operand { space operand }
 *     operand   = ( "." | nil | literal | field | variable | function | "(" pipeline ")" ) { field }
 */
import { TemplateSyntaxError } from './errors.ts';
import { describeToken, tokenize, type Token, type TokenType } from './lexer.ts';
import type { Command, Operand, Pipeline, Statement } from './nodes.ts';
import { parseNumber, parseStringLiteral } from './literals.ts';
import { goQuote } from './quote.ts';

export interface ParsedTemplate {
  readonly source: string;
  readonly body: readonly Statement[];
  readonly templates: ReadonlyMap<string, readonly Statement[]>;
}

/** How a list of statements ended: the keyword that closed it. */
type Ending = 'end' | 'else' | 'eof';

export function parseTemplate(source: string, functions: ReadonlySet<string>): ParsedTemplate {
  return new Parser(source, functions).parse();
}

class Parser {
  private readonly tokens: readonly Token[];
  private readonly templates = new Map<string, readonly Statement[]>();
  private index = 0;
  private variables = ['$'];
  private rangeDepth = 0;

  constructor(
    private readonly source: string,
    private readonly functions: ReadonlySet<string>,
  ) {
    this.tokens = tokenize(source);
  }

  parse(): ParsedTemplate {
    const { statements, ending } = this.statements(true);
    if (ending !== 'eof') this.fail(`unexpected {{${ending}}}`);
    return { source: this.source, body: statements, templates: this.templates };
  }

  // Tokens

  private peek(): Token {
    const token = this.tokens[Math.min(this.index, this.tokens.length - 1)];
    if (token === undefined) throw new Error('a template always has an end token');
    return token;
  }

  private next(): Token {
    const token = this.peek();
    this.index++;
    return token;
  }

  private skipSpace(): Token {
    while (this.peek().type === 'space') this.index++;
    return this.peek();
  }

  private nextWord(): Token {
    this.skipSpace();
    return this.next();
  }

  private expect(type: TokenType, context: string): Token {
    const token = this.nextWord();
    if (token.type !== type) this.unexpected(token, context);
    return token;
  }

  private fail(what: string, line?: number): never {
    const token = this.tokens[Math.max(0, Math.min(this.index, this.tokens.length) - 1)];
    throw new TemplateSyntaxError(line ?? token?.line ?? 1, what);
  }

  private unexpected(token: Token, context: string): never {
    if (token.type === 'error') this.fail(token.text, token.line);
    this.fail(`unexpected ${describeToken(token)} in ${context}`, token.line);
  }

  // Statements

  private statements(topLevel: boolean): { statements: readonly Statement[]; ending: Ending } {
    const statements: Statement[] = [];
    for (;;) {
      const token = this.next();
      if (token.type === 'text') {
        statements.push({ kind: 'text', text: token.text });
      } else if (token.type === 'eof') {
        if (!topLevel) this.fail('unexpected EOF', token.line);
        return { statements, ending: 'eof' };
      } else if (token.type === 'left') {
        const word = this.skipSpace();
        if (word.type === 'keyword' && (word.text === 'end' || word.text === 'else')) {
          this.next();
          if (word.text === 'end') this.expect('right', 'end');
          return { statements, ending: word.text };
        }
        const statement = this.action(word, topLevel);
        if (statement !== undefined) statements.push(statement);
      } else {
        this.unexpected(token, 'input');
      }
    }
  }

  private action(word: Token, topLevel: boolean): Statement | undefined {
    if (word.type !== 'keyword') {
      return { kind: 'action', at: word.at, pipeline: this.pipeline('command', 'right') };
    }
    this.next();
    switch (word.text) {
      case 'if':
      case 'with':
      case 'range':
        return this.branch(word.text, word.at);
      case 'template':
        return this.templateCall();
      case 'block':
        return this.block(word);
      case 'define':
        if (!topLevel) this.unexpected(word, 'command');
        return this.define();
      case 'break':
      case 'continue':
        return this.loopControl(word.text);
      default:
        return this.unexpected(word, 'command');
    }
  }

  private loopControl(kind: 'break' | 'continue'): Statement {
    const token = this.nextWord();
    if (token.type !== 'right') this.unexpected(token, `{{${kind}}}`);
    if (this.rangeDepth === 0) this.fail(`{{${kind}}} outside {{range}}`);
    return { kind };
  }

  private branch(kind: 'if' | 'with' | 'range', at: number): Statement {
    const scope = this.variables.length;
    const pipeline = this.pipeline(kind, 'right');
    if (kind === 'range') this.rangeDepth++;
    const { statements: body, ending } = this.statements(false);
    if (kind === 'range') this.rangeDepth--;
    const otherwise = ending === 'else' ? this.elseBranch(kind) : undefined;
    this.variables.length = scope;
    return { kind, at, pipeline, body, otherwise };
  }

  /** After `{{else`: `{{else if …}}` and `{{else with …}}` are a nested branch that shares the one `{{end}}`. */
  private elseBranch(kind: 'if' | 'with' | 'range'): readonly Statement[] {
    const word = this.skipSpace();
    if (word.type === 'keyword' && word.text === kind && kind !== 'range') {
      this.next();
      return [this.branch(kind, word.at)];
    }
    if (word.type === 'keyword') this.unexpected(word, word.text === 'range' ? 'else' : 'input');
    this.expect('right', 'else');
    const { statements, ending } = this.statements(false);
    if (ending === 'else') this.fail(`expected end; found {{else}}`);
    return statements;
  }

  private templateName(context: string): { name: string; literal: string } {
    const token = this.nextWord();
    if (token.type !== 'string') this.unexpected(token, context);
    return { name: this.stringValue(token), literal: token.text };
  }

  private templateCall(): Statement {
    const at = this.skipSpace().at;
    const { name, literal } = this.templateName('template clause');
    const atEnd = this.skipSpace().type === 'right';
    if (atEnd) this.next();
    const pipeline = atEnd ? undefined : this.pipeline('template clause', 'right');
    return { kind: 'template', at, name, literal, pipeline };
  }

  private block(word: Token): Statement {
    const { name, literal } = this.templateName('block clause');
    const pipeline = this.pipeline('block clause', 'right');
    if (!this.templates.has(name)) this.templates.set(name, this.ownScope('end', 'block clause'));
    else this.ownScope('end', 'block clause');
    return { kind: 'template', at: word.at, name, literal, pipeline };
  }

  private define(): undefined {
    const { name } = this.templateName('define clause');
    this.expect('right', 'define clause');
    this.templates.set(name, this.ownScope('end', 'define clause'));
    return undefined;
  }

  /** The body of a template of its own: it sees no variable from outside and no loop around it. */
  private ownScope(end: Ending, context: string): readonly Statement[] {
    const outer = { variables: this.variables, rangeDepth: this.rangeDepth };
    this.variables = ['$'];
    this.rangeDepth = 0;
    const { statements, ending } = this.statements(false);
    if (ending !== end) this.fail(`unexpected {{${ending}}} in ${context}`);
    this.variables = outer.variables;
    this.rangeDepth = outer.rangeDepth;
    return statements;
  }

  // Pipelines

  private pipeline(context: string, end: 'right' | 'rightParen'): Pipeline {
    const first = this.skipSpace();
    const { variables, assigns } = this.declaration(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.skipSpace();
      if (token.type === end) {
        this.next();
        break;
      }
      if (!startsOperand(token)) this.unexpected(this.next(), context);
      commands.push(this.command());
    }
    this.checkPipeline(commands, context);
    if (!assigns) this.variables.push(...variables);
    return { kind: 'pipeline', at: first.at, line: first.line, variables, assigns, commands };
  }

  private checkPipeline(commands: readonly Command[], context: string): void {
    if (commands.length === 0) this.fail(`missing value for ${context}`);
    commands.slice(1).forEach((command, index) => {
      const kind = command.operands[0].kind;
      if (['bool', 'dot', 'nil', 'number', 'string'].includes(kind)) {
        this.fail(`non executable command in pipeline stage ${index + 2}`);
      }
    });
  }

  /** `$x :=`, `$x =`, and in range `$i, $x :=`; anything else is left where it was. */
  private declaration(context: string): { variables: readonly string[]; assigns: boolean } {
    const start = this.index;
    const none = { variables: [], assigns: false };
    const first = this.peek();
    if (first.type !== 'variable') return none;
    this.next();
    const after = this.skipSpace();
    if (after.type === 'declare' || after.type === 'assign') {
      this.next();
      return this.declared([first], after);
    }
    if (after.type === 'comma' && context === 'range') {
      this.next();
      const second = this.skipSpace();
      if (second.type !== 'variable') this.fail('range can only initialize variables');
      this.next();
      const operator = this.nextWord();
      if (operator.type === 'declare' || operator.type === 'assign') {
        return this.declared([first, second], operator);
      }
      if (operator.type === 'comma') this.fail(`too many declarations in ${context}`);
      this.unexpected(operator, context);
    }
    if (after.type === 'comma') this.fail(`too many declarations in ${context}`);
    this.index = start;
    return none;
  }

  private declared(names: readonly Token[], operator: Token): { variables: string[]; assigns: boolean } {
    const variables = names.map((token) => token.text);
    const assigns = operator.type === 'assign';
    if (assigns) for (const name of variables) this.knownVariable(name);
    return { variables, assigns };
  }

  private knownVariable(name: string): string {
    if (!this.variables.includes(name)) this.fail(`undefined variable ${goQuote(name)}`);
    return name;
  }

  private command(): Command {
    const first = this.skipSpace();
    const operands: Operand[] = [];
    for (;;) {
      this.skipSpace();
      const operand = this.operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.next();
      if (token.type === 'space') continue;
      if (token.type === 'right' || token.type === 'rightParen') this.index--;
      else if (token.type !== 'pipe') this.unexpected(token, 'operand');
      break;
    }
    const [head, ...rest] = operands;
    if (head === undefined) this.fail('empty command');
    return { kind: 'command', at: first.at, operands: [head, ...rest] };
  }

  private operand(): Operand | undefined {
    const node = this.term();
    if (node === undefined || this.peek().type !== 'field') return node;
    const at = this.peek().at;
    const path: string[] = [];
    while (this.peek().type === 'field') path.push(this.next().text.slice(1));
    switch (node.kind) {
      case 'field':
        return { kind: 'field', at, path: [...node.path, ...path] };
      case 'variable':
        return { kind: 'variable', at, name: node.name, path: [...node.path, ...path] };
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        return this.fail(`unexpected . after term ${goQuote(this.source.slice(node.at, at))}`);
      default:
        return { kind: 'chain', at, of: node, path };
    }
  }

  private term(): Operand | undefined {
    const token = this.peek();
    if (!startsOperand(token)) return undefined;
    this.next();
    const at = token.at;
    switch (token.type) {
      case 'dot':
        return { kind: 'dot', at };
      case 'nil':
        return { kind: 'nil', at };
      case 'bool':
        return { kind: 'bool', at, value: token.text === 'true' };
      case 'field':
        return { kind: 'field', at, path: [token.text.slice(1)] };
      case 'variable':
        return { kind: 'variable', at, name: this.knownVariable(token.text), path: [] };
      case 'string':
        return { kind: 'string', at, literal: token.text, value: this.stringValue(token) };
      case 'number':
      case 'char':
        return { kind: 'number', at, text: token.text, value: this.numberValue(token) };
      case 'leftParen':
        return this.pipeline('parenthesized pipeline', 'rightParen');
      default:
        if (!this.functions.has(token.text)) this.fail(`function ${goQuote(token.text)} not defined`);
        return { kind: 'function', at, name: token.text };
    }
  }

  private stringValue(token: Token): string {
    return parseStringLiteral(token.text) ?? this.fail('invalid syntax', token.line);
  }

  private numberValue(token: Token): unknown {
    const wrong =
      token.type === 'char'
        ? `malformed character constant: ${token.text}`
        : `illegal number syntax: ${goQuote(token.text)}`;
    return parseNumber(token.text) ?? this.fail(wrong, token.line);
  }
}

const OPERANDS = new Set<TokenType>([
  'dot', 'nil', 'bool', 'field', 'variable', 'string', 'number', 'char', 'leftParen', 'identifier',
]); // prettier-ignore
const startsOperand = (token: Token): boolean => OPERANDS.has(token.type);
