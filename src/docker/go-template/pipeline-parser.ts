/** The inside of an action: pipelines, commands and operands. See the grammar in parser.ts. */
import { parseNumber, parseStringLiteral } from './literals.ts';
import type { Token, TokenType } from './lexer.ts';
import type { Command, Operand, Pipeline } from './nodes.ts';
import { goQuote } from './quote.ts';
import { TokenReader } from './token-reader.ts';

export class PipelineParser extends TokenReader {
  /** In scope, innermost last; `$` is always there. */
  protected variables = ['$'];

  constructor(
    source: string,
    private readonly functions: ReadonlySet<string>,
  ) {
    super(source);
  }

  protected pipeline(context: string, end: 'right' | 'rightParen'): Pipeline {
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

  protected checkPipeline(commands: readonly Command[], context: string): void {
    if (commands.length === 0) this.fail(`missing value for ${context}`);
    commands.slice(1).forEach((command, index) => {
      const kind = command.operands[0].kind;
      if (['bool', 'dot', 'nil', 'number', 'string'].includes(kind)) {
        this.fail(`non executable command in pipeline stage ${index + 2}`);
      }
    });
  }

  /** `$x :=`, `$x =`, and in range `$i, $x :=`; anything else is left where it was. */
  protected declaration(context: string): { variables: readonly string[]; assigns: boolean } {
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

  protected declared(names: readonly Token[], operator: Token): { variables: string[]; assigns: boolean } {
    const variables = names.map((token) => token.text);
    const assigns = operator.type === 'assign';
    if (assigns) for (const name of variables) this.knownVariable(name);
    return { variables, assigns };
  }

  protected knownVariable(name: string): string {
    if (!this.variables.includes(name)) this.fail(`undefined variable ${goQuote(name)}`);
    return name;
  }

  protected command(): Command {
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

  protected operand(): Operand | undefined {
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

  protected term(): Operand | undefined {
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

  protected stringValue(token: Token): string {
    return parseStringLiteral(token.text) ?? this.fail('invalid syntax', token.line);
  }

  protected numberValue(token: Token): unknown {
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
