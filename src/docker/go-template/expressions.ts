/**
 * Values of pipelines: fields, variables, methods and function calls. An error carries the place and the words of the
 * node that failed, as Go gives them: `template: :1:2: executing "" at <.Foo>: …`.
 */
import { FunctionError, TemplateExecutionError } from './errors.ts';
import type { GoFunction, Parameter } from './functions.ts';
import { nodeText, type AnyNode, type Command, type Operand, type Pipeline } from './nodes.ts';
import type { ParsedTemplate } from './parser.ts';
import { goQuote } from './quote.ts';
import { isObject, isStruct, isTrue, kindOf, tagOf, typeName } from './value.ts';

export type Functions = ReadonlyMap<string, GoFunction>;

interface Variable {
  readonly name: string;
  value: unknown;
}

/** No value was piped in; different from a piped nil. */
const NOTHING = Symbol('nothing');

export class ExpressionEvaluator {
  protected readonly variables: Variable[];

  constructor(
    protected readonly template: ParsedTemplate,
    protected readonly functions: Functions,
    private readonly name: string,
    data: unknown,
  ) {
    this.variables = [{ name: '$', value: data }];
  }

  protected pipeline(pipeline: Pipeline, dot: unknown): unknown {
    let value: unknown = NOTHING;
    for (const command of pipeline.commands) value = this.command(command, dot, value);
    // A range's variables belong to its elements and are set there.
    for (const name of pipeline.variables) {
      if (pipeline.assigns) this.assign(name, value);
      else this.variables.push({ name, value });
    }
    return value;
  }

  protected assign(name: string, value: unknown): void {
    const variable = this.variables.findLast((candidate) => candidate.name === name);
    if (variable !== undefined) variable.value = value;
  }

  private command(command: Command, dot: unknown, piped: unknown): unknown {
    const [head, ...args] = command.operands;
    switch (head.kind) {
      case 'field':
        return this.path(head, dot, head.path, dot, args, piped);
      case 'chain':
        if (head.of.kind === 'nil') this.fail(head, `indirection through explicit nil in ${nodeText(head)}`);
        return this.path(head, this.operand(head.of, dot), head.path, dot, args, piped);
      case 'variable':
        if (head.path.length > 0)
          return this.path(head, this.variable(head.name), head.path, dot, args, piped);
        break;
      case 'function':
        return this.callFunction(head, command, dot, args, piped);
      case 'pipeline':
      case 'dot':
      case 'nil':
      case 'bool':
      case 'number':
      case 'string':
        break;
    }
    if (args.length > 0 || piped !== NOTHING)
      this.fail(head, `can't give argument to non-function ${nodeText(head)}`);
    if (head.kind === 'nil') this.fail(head, 'nil is not a command');
    return this.operand(head, dot);
  }

  private operand(node: Operand, dot: unknown): unknown {
    switch (node.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'bool':
      case 'number':
      case 'string':
        return node.value;
      case 'field':
        return this.path(node, dot, node.path, dot, [], NOTHING);
      case 'variable':
        return this.path(node, this.variable(node.name), node.path, dot, [], NOTHING);
      case 'chain':
        return this.path(node, this.operand(node.of, dot), node.path, dot, [], NOTHING);
      case 'function':
        return this.callFunction(node, node, dot, [], NOTHING);
      case 'pipeline':
        return this.pipeline(node, dot);
    }
  }

  private variable(name: string): unknown {
    return this.variables.findLast((variable) => variable.name === name)?.value;
  }

  // Fields and methods

  private path(
    node: Operand,
    start: unknown,
    path: readonly string[],
    dot: unknown,
    args: readonly Operand[],
    piped: unknown,
  ): unknown {
    let holder: unknown;
    return path.reduce<unknown>((value, name, index) => {
      const last = index === path.length - 1;
      const before = path[index - 1] ?? '';
      // Docker then looks into the JSON, which may omit a nil field.
      if (value === null && isObject(holder) && !Object.keys(holder).includes(before))
        this.fail(node, `map has no entry for key ${goQuote(before)}`);
      holder = value;
      return this.field(node, value, name, dot, last ? args : [], last ? piped : NOTHING, index);
    }, start);
  }

  private field(
    node: Operand,
    receiver: unknown,
    name: string,
    dot: unknown,
    args: readonly Operand[],
    piped: unknown,
    depth: number,
  ): unknown {
    if (kindOf(receiver) === 'nil') {
      if (depth === 0 || receiver === undefined) {
        if (receiver === undefined) return undefined;
        this.fail(node, `nil data; no entry for key ${goQuote(name)}`);
      }
      this.fail(node, `nil pointer evaluating interface {}.${name}`);
    }
    if (!isObject(receiver)) this.fail(node, `can't evaluate field ${name} in type ${typeName(receiver)}`);
    if (!Object.hasOwn(receiver, name)) return this.missing(node, receiver, name);
    const value = receiver[name];
    if (typeof value === 'function') {
      const values = args.map((arg) => this.operand(arg, dot));
      if (piped !== NOTHING) values.push(piped);
      const needed = (value as { length: number }).length;
      if (values.length !== needed) {
        this.fail(node, `wrong number of args for ${name}: want ${needed} got ${values.length}`);
      }
      return (value as (...given: unknown[]) => unknown)(...values);
    }
    if (args.length > 0 || piped !== NOTHING) {
      const words = isStruct(receiver)
        ? 'has arguments but cannot be invoked as function'
        : 'is not a method but has arguments';
      this.fail(node, `${name} ${words}`);
    }
    return value;
  }

  private missing(node: Operand, receiver: object, name: string): unknown {
    const tag = tagOf(receiver);
    if (tag?.kind !== 'struct') return undefined;
    if (tag.typeName !== undefined) this.fail(node, `can't evaluate field ${name} in type ${tag.typeName}`);
    return this.fail(node, `map has no entry for key ${goQuote(name)}`);
  }

  // Functions

  private callFunction(
    head: Operand & { name: string },
    at: AnyNode,
    dot: unknown,
    args: readonly Operand[],
    piped: unknown,
  ): unknown {
    const fn = this.functions.get(head.name);
    if (fn === undefined) this.fail(head, `${goQuote(head.name)} is not a defined function`);
    const count = args.length + (piped === NOTHING ? 0 : 1);
    this.checkCount(head, fn, count);
    if (head.name === 'and' || head.name === 'or') return this.shortCircuit(head.name, dot, args, piped);
    const values = args.map((arg, index) => this.argument(arg, dot, parameterOf(fn, index)));
    if (piped !== NOTHING) values.push(this.checked(at, piped, parameterOf(fn, args.length)));
    try {
      return fn.call(values);
    } catch (error) {
      if (error instanceof FunctionError) this.fail(at, `error calling ${head.name}: ${error.message}`);
      throw error;
    }
  }

  private checkCount(head: Operand & { name: string }, fn: GoFunction, count: number): void {
    // The last parameter of a variadic function may be absent, except where Go names it twice (and, or, eq).
    const least =
      fn.parameters.length - (fn.variadic === true && !['and', 'or', 'call'].includes(head.name) ? 1 : 0);
    if (fn.variadic === true ? count >= least : count === least) return;
    this.fail(
      head,
      `wrong number of args for ${head.name}: want ${fn.variadic === true ? 'at least ' : ''}${least} got ${count}`,
    );
  }

  private shortCircuit(name: 'and' | 'or', dot: unknown, args: readonly Operand[], piped: unknown): unknown {
    let value: unknown;
    for (const arg of args) {
      value = this.operand(arg, dot);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped === NOTHING ? value : piped;
  }

  private argument(node: Operand, dot: unknown, parameter: Parameter): unknown {
    const literal = node.kind === 'bool' || node.kind === 'number' || node.kind === 'string';
    const value = this.operand(node, dot);
    if (literal && parameter === 'string' && node.kind !== 'string')
      this.fail(node, `expected string; found ${nodeText(node)}`);
    if (literal && parameter === 'int' && kindOf(value) !== 'int')
      this.fail(node, `expected integer; found ${nodeText(node)}`);
    if (node.kind === 'nil' && parameter !== 'any' && parameter !== 'strings')
      this.fail(node, `cannot assign nil to ${parameter}`);
    return this.checked(node, value, parameter);
  }

  private checked(node: AnyNode, value: unknown, parameter: Parameter): unknown {
    const kind = kindOf(value);
    const wanted = { string: 'string', int: 'int', strings: '[]string', any: '' }[parameter];
    const fits =
      parameter === 'any' ||
      parameter === kind ||
      (parameter === 'strings' &&
        (kind === 'nil' || (Array.isArray(value) && value.every((v) => typeof v === 'string'))));
    if (fits) return value;
    if (kind === 'nil') this.fail(node, `invalid value; expected ${wanted}`);
    return this.fail(node, `wrong type for value; expected ${wanted}; got ${typeName(value)}`);
  }

  protected fail(node: AnyNode, what: string): never {
    const at = 'at' in node ? node.at : 0;
    const before = this.template.source.slice(0, at);
    const lineStart = before.lastIndexOf('\n') + 1;
    const line = before.split('\n').length;
    const column = Buffer.byteLength(before.slice(lineStart));
    const context = nodeText(node);
    throw new TemplateExecutionError(
      `template: :${line}:${column}: executing ${goQuote(this.name)} at <${context}>: ${what}`,
    );
  }
}

const parameterOf = (fn: GoFunction, index: number): Parameter =>
  fn.parameters[Math.min(index, fn.parameters.length - 1)] ?? 'any';
