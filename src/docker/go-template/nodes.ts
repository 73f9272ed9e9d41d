/** The syntax tree of a template, and how each node is written back in an error's `at <…>`. */

export type Operand =
  | { readonly kind: 'dot'; readonly at: number }
  | { readonly kind: 'nil'; readonly at: number }
  | { readonly kind: 'bool'; readonly at: number; readonly value: boolean }
  /** `value` is a GoFloat where the literal has a point or an exponent. */
  | { readonly kind: 'number'; readonly at: number; readonly text: string; readonly value: unknown }
  | { readonly kind: 'string'; readonly at: number; readonly literal: string; readonly value: string }
  /** `.A.B` */
  | { readonly kind: 'field'; readonly at: number; readonly path: readonly string[] }
  /** `$x.A.B` */
  | {
      readonly kind: 'variable';
      readonly at: number;
      readonly name: string;
      readonly path: readonly string[];
    }
  /** A function's name. */
  | { readonly kind: 'function'; readonly at: number; readonly name: string }
  /** `(pipeline).A.B` */
  | { readonly kind: 'chain'; readonly at: number; readonly of: Operand; readonly path: readonly string[] }
  | Pipeline;

export interface Command {
  readonly kind: 'command';
  readonly at: number;
  readonly operands: readonly [Operand, ...Operand[]];
}

export interface Pipeline {
  readonly kind: 'pipeline';
  readonly at: number;
  readonly line: number;
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Branch {
  readonly kind: 'if' | 'with' | 'range';
  readonly at: number;
  readonly pipeline: Pipeline;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[] | undefined;
}

export type Statement =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly at: number; readonly pipeline: Pipeline }
  | Branch
  | {
      readonly kind: 'template';
      readonly at: number;
      readonly name: string;
      readonly literal: string;
      readonly pipeline: Pipeline | undefined;
    }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' };

export type AnyNode = Operand | Command | Statement;

const dotted = (path: readonly string[]): string => path.map((name) => `.${name}`).join('');

export function nodeText(node: AnyNode): string {
  switch (node.kind) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'number':
      return node.text;
    case 'string':
      return node.literal;
    case 'field':
      return dotted(node.path);
    case 'variable':
      return node.name + dotted(node.path);
    case 'function':
      return node.name;
    case 'chain':
      return `${node.of.kind === 'pipeline' ? `(${nodeText(node.of)})` : nodeText(node.of)}${dotted(node.path)}`;
    case 'command':
      return node.operands.map((o) => (o.kind === 'pipeline' ? `(${nodeText(o)})` : nodeText(o))).join(' ');
    case 'pipeline': {
      const variables =
        node.variables.length === 0 ? '' : `${node.variables.join(', ')} ${node.assigns ? '=' : ':='} `;
      return variables + node.commands.map(nodeText).join(' | ');
    }
    case 'action':
      return `{{${nodeText(node.pipeline)}}}`;
    case 'template':
      return `{{template ${node.literal}${node.pipeline === undefined ? '' : ` ${nodeText(node.pipeline)}`}}}`;
    case 'if':
    case 'with':
    case 'range':
      return `{{${node.kind} ${nodeText(node.pipeline)}}}`;
    case 'text':
      return node.text;
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`;
  }
}
