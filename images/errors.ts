/** Errors of images/, in the same parts as runtime/errors.ts (images/ imports neither runtime/ nor src/). */
export class ImageError extends Error {
  /** Literal, stable: 'MANIFEST_UNKNOWN', 'DIGEST_MISMATCH', … */
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: number | undefined;

  constructor(parts: { code: string; message: string; hint?: string; exitCode?: number; cause?: unknown }) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'ImageError';
    this.code = parts.code;
    this.hint = parts.hint;
    this.exitCode = parts.exitCode;
  }
}
