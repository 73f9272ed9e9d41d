/**
 * Tokens to syntax tree, by recursive descent. Names are resolved while reading, as in Go: an unknown function or
 * variable is a syntax error, found even in a branch that never runs. `define` and `block` land in `templates`.
 *
 *     statement = text | "{{" ( pipeline | if | with | range | template | block | define | break | continue ) "}}"
 *     pipeline  = [ variable [ "," variable ] ( ":=" | "=" ) ] command { "|" command }
 *     command   = operand { space operand }
 *     operand   = ( "." | nil | literal | field | variable | function | "(" pipeline ")" ) { field }
 */
import type { Token } from './lexer.ts';
import { goQuote } from './quote.ts';
import type { Statement } from './nodes.ts';
import { PipelineParser } from './pipeline-parser.ts';

export interface ParsedTemplate {
  readonly source: string;
  readonly body: readonly Statement[];
  readonly templates: ReadonlyMap<string, readonly Statement[]>;
}

/** How a list of statements ended: the keyword that closed it. */
type BlockEnd = 'end' | 'else' | 'eof';

export function parseTemplate(source: string, functions: ReadonlySet<string>): ParsedTemplate {
  return new Parser(source, functions).parse();
}

class Parser extends PipelineParser {
  private readonly templates = new Map<string, readonly Statement[]>();
  private rangeDepth = 0;

  parse(): ParsedTemplate {
    const { statements, ending } = this.statements(true);
    if (ending !== 'eof') this.fail(`unexpected {{${ending}}}`);
    return { source: this.source, body: statements, templates: this.templates };
  }

  private statements(topLevel: boolean): { statements: readonly Statement[]; ending: BlockEnd } {
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
    const body = this.ownScope('end', 'define clause');
    const earlier = this.templates.get(name);
    // As in Go, an empty definition gives way to one with a body, and takes none away.
    if (earlier === undefined || isEmpty(earlier)) this.templates.set(name, body);
    else if (!isEmpty(body)) this.fail(`template: multiple definition of template ${goQuote(name)}`);
    return undefined;
  }

  /** The body of a template of its own: it sees no variable from outside and no loop around it. */
  private ownScope(end: BlockEnd, context: string): readonly Statement[] {
    const outer = { variables: this.variables, rangeDepth: this.rangeDepth };
    this.variables = ['$'];
    this.rangeDepth = 0;
    const { statements, ending } = this.statements(false);
    if (ending !== end) this.fail(`unexpected {{${ending}}} in ${context}`);
    this.variables = outer.variables;
    this.rangeDepth = outer.rangeDepth;
    return statements;
  }
}

const isEmpty = (body: readonly Statement[]): boolean =>
  body.every((statement) => statement.kind === 'text' && statement.text.trim() === '');
