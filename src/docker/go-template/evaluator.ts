/**
 * Walks the syntax tree and writes text. A statement says how it ended ('next', 'break', 'continue'), so that loops
 * need no exceptions.
 */
import { ExpressionEvaluator, type Functions } from './expressions.ts';
import { nodeText, type Branch, type Operand, type Pipeline, type Statement } from './nodes.ts';
import type { ParsedTemplate } from './parser.ts';
import { formatValue, printValue } from './printing.ts';
import { goQuote } from './quote.ts';
import { compareStrings, isObject, isTrue, kindOf } from './value.ts';

type Flow = 'next' | 'break' | 'continue';

/** Templates that call themselves are cut off here, before JavaScript's own stack is. */
const MAX_DEPTH = 1000;

export function evaluate(template: ParsedTemplate, data: unknown, functions: Functions): string {
  const evaluator = new Evaluator(template, functions, '', data, 0);
  evaluator.statements(template.body, data);
  return evaluator.output;
}

class Evaluator extends ExpressionEvaluator {
  output = '';

  constructor(
    template: ParsedTemplate,
    functions: Functions,
    name: string,
    data: unknown,
    private readonly depth: number,
  ) {
    super(template, functions, name, data);
  }

  statements(list: readonly Statement[], dot: unknown): Flow {
    for (const statement of list) {
      const flow = this.statement(statement, dot);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  private statement(statement: Statement, dot: unknown): Flow {
    switch (statement.kind) {
      case 'text':
        this.output += statement.text;
        return 'next';
      case 'action': {
        const value = this.pipeline(statement.pipeline, dot);
        if (statement.pipeline.variables.length === 0) {
          if (typeof value === 'function')
            this.fail(statement.pipeline, `can't print ${nodeText(statement)} of type func`);
          this.output += printValue(value);
        }
        return 'next';
      }
      case 'if':
      case 'with':
        return this.scoped(() => {
          const value = this.pipeline(statement.pipeline, dot);
          if (isTrue(value)) return this.statements(statement.body, statement.kind === 'with' ? value : dot);
          return statement.otherwise === undefined ? 'next' : this.statements(statement.otherwise, dot);
        });
      case 'range':
        return this.scoped(() => this.range(statement, dot));
      case 'template':
        return this.callTemplate(statement, dot);
      case 'break':
      case 'continue':
        return statement.kind;
    }
  }

  private scoped<T>(body: () => T): T {
    const scope = this.variables.length;
    const result = body();
    this.variables.length = scope;
    return result;
  }

  private callTemplate(statement: Extract<Statement, { kind: 'template' }>, dot: unknown): Flow {
    const body = this.template.templates.get(statement.name);
    if (body === undefined) this.fail(statement, `template ${goQuote(statement.name)} not defined`);
    if (this.depth >= MAX_DEPTH) this.fail(statement, `exceeded maximum template depth (${MAX_DEPTH})`);
    const data = statement.pipeline === undefined ? undefined : this.pipeline(statement.pipeline, dot);
    const inner = new Evaluator(this.template, this.functions, statement.name, data, this.depth + 1);
    inner.statements(body, data);
    this.output += inner.output;
    return 'next';
  }

  private range(branch: Branch, dot: unknown): Flow {
    const [first, second] = branch.pipeline.variables;
    const value = this.pipeline(branch.pipeline, dot);
    const entries = this.entries(lastOperand(branch.pipeline), value, second !== undefined);
    if (entries.length === 0)
      return branch.otherwise === undefined ? 'next' : this.statements(branch.otherwise, dot);
    for (const [key, element] of entries) {
      const flow = this.scoped(() => {
        const set = (name: string, to: unknown): void =>
          branch.pipeline.assigns ? this.assign(name, to) : void this.variables.push({ name, value: to });
        if (first !== undefined) set(first, second === undefined ? element : key);
        if (second !== undefined) set(second, element);
        return this.statements(branch.body, element);
      });
      if (flow === 'break') break;
    }
    return 'next';
  }

  private entries(
    node: Operand,
    value: unknown,
    wantsBoth: boolean,
  ): readonly (readonly [unknown, unknown])[] {
    if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item] as const);
    if (isObject(value))
      return Object.keys(value)
        .sort(compareStrings)
        .map((key) => [key, value[key]] as const);
    if (kindOf(value) === 'nil') return [];
    if (kindOf(value) === 'int') {
      if (wantsBoth) {
        this.fail(node, `can't use ${formatValue(value)} to iterate over more than one variable`);
      }
      return Array.from({ length: Math.max(0, Number(value)) }, (_unused, index) => [index, index] as const);
    }
    return this.fail(node, `range can't iterate over ${formatValue(value)}`);
  }
}

/** Where Go says a range over something unrangeable went wrong: the operand it looked at last. */
const lastOperand = (pipeline: Pipeline): Operand => pipeline.commands.at(-1)?.operands.at(-1) ?? pipeline;
