/**
 * Go's text/template, as Docker's `--format` uses it: compile once, execute for each object.
 *
 *     lexer -> parser -> evaluator          value, printing, printf: what Go's values are and how they print
 *                          functions        Go's builtins and Docker's own (json, join, upper, …)
 *
 * Docker scripts use formatted `inspect` output, and notice every difference. Absent: complex numbers, `call`, and
 * methods other than those a row offers.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { FunctionError, TemplateExecutionError, TemplateSyntaxError } from './errors.ts';
import { evaluate } from './evaluator.ts';
import { functions, headingFunctions } from './functions.ts';
import { parseTemplate } from './parser.ts';

export interface ExecuteOptions {
  /** The data are column headings: functions that shape a cell (`upper`, `json`, `truncate`) leave them alone. */
  readonly heading?: boolean;
}

export interface Template {
  /** @throws MinidockError TEMPLATE_INVALID. Data: plain objects, arrays and values; see value.ts for Go's types. */
  execute(data: unknown, options?: ExecuteOptions): string;
}

const functionNames: ReadonlySet<string> = new Set(functions.keys());

/** @throws MinidockError TEMPLATE_INVALID: `template parsing error: template: :1: unclosed action`. */
export function compileTemplate(text: string): Template {
  const parsed = wordErrors(() => parseTemplate(text, functionNames));
  return {
    execute: (data, { heading = false } = {}) =>
      wordErrors(() => evaluate(parsed, data, heading ? headingFunctions : functions)),
  };
}

function wordErrors<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    const ours =
      error instanceof TemplateSyntaxError ||
      error instanceof TemplateExecutionError ||
      error instanceof FunctionError;
    if (!ours) throw error;
    throw new MinidockError({
      code: 'TEMPLATE_INVALID',
      message: `template parsing error: ${error.message}`,
      cause: error,
    });
  }
}
