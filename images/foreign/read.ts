/**
 * The way in for JSON that others wrote: parsed, held against its shape, and refused in one sentence. Nothing past
 * this point asks again whether a list is a list.
 */
import { ImageError } from '../errors.ts';
import { withoutNulls, type Shape } from './shape.ts';

export interface Foreign {
  /** For messages: 'the manifest of web:1', 'index.json'. */
  readonly what: string;
  /** Of the ImageError. */
  readonly code: string;
  readonly hint?: string;
}

/** @throws ImageError with `foreign.code`. The text itself is never part of the message. */
export function parseForeign(source: Uint8Array | string, { what, code, hint }: Foreign): unknown {
  try {
    return JSON.parse(typeof source === 'string' ? source : Buffer.from(source).toString('utf8'));
  } catch (cause) {
    throw new ImageError({
      code,
      message: `${what} is not JSON`,
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
  }
}

/**
 * The document as it is, unknown fields and all. @throws ImageError with `foreign.code`:
 * "the configuration of web:1 is not valid: config.Env must be a list of strings (got a number)".
 */
export function checkForeign<T>(shape: Shape<T>, document: unknown, { what, code, hint }: Foreign): T {
  const problem = shape.find(document, '');
  if (problem === undefined) return document as T;
  throw new ImageError({
    code,
    message: `${what} is not valid: ${problem.path === '' ? 'it' : problem.path} ${problem.what}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The same for a document that is only read: what is null in it is left out. */
export function readForeign<T>(shape: Shape<T>, source: Uint8Array | string, foreign: Foreign): T {
  return withoutNulls(checkForeign(shape, parseForeign(source, foreign), foreign)) as T;
}

/** For what only explains a failure: undefined when it is something else than that. */
export function tryForeign<T>(shape: Shape<T>, text: string): T | undefined {
  try {
    return readForeign(shape, text, { what: 'the answer', code: 'ANSWER_INVALID' });
  } catch (error) {
    // HTML or nothing: the error goes without the body's text.
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}
