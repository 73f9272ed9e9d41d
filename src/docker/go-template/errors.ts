/**
 * Errors of the template language, worded as Go's text/template words them, since scripts and people compare them
 * with Docker's: `template: :1:2: executing "" at <.Foo>: …`. Only template.ts turns one into a MinidockError.
 */

/** Found while reading the template. Docker never names a template, hence the empty name before the line. */
export class TemplateSyntaxError extends Error {
  constructor(line: number, what: string) {
    super(`template: :${line}: ${what}`);
    this.name = 'TemplateSyntaxError';
  }
}

/** Found while executing it. */
export class TemplateExecutionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateExecutionError';
  }
}

/** Thrown by a function of the language; the evaluator adds where it was called. */
export class FunctionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FunctionError';
  }
}
