/** Signatures first; the implementation follows. */
export interface TemplateOptions {
  /**
   * What a field that is not there gives: Go's `<no value>`, or an error as `docker inspect` has it
   * (`map has no entry for key "Foo"`) or as Docker's lists have it (`can't evaluate field Foo in type …`).
   */
  readonly missing?: 'no value' | 'error' | 'list error';
}
export interface Template {
  execute(data: unknown): string;
}
/** Throws MinidockError TEMPLATE_INVALID ('template parsing error: …'), also from execute. */
export function compileTemplate(_text: string, _options: TemplateOptions = {}): Template {
  throw new Error('not written yet');
}
