/** What a failed system call throws. `code` is the errno's name, as in node:fs, so callers test one property. */
import { MinidockError } from '../errors.ts';

export class SyscallError extends MinidockError {
  /** 'EPERM' and so on. */
  readonly errno: string;
  /** The call spelt out: `mount("proc", "/proc", "proc", 0xe, "")`. */
  readonly call: string;
  /** The C library's words in lower case: 'operation not permitted'. */
  readonly reason: string;

  constructor(call: string, errno: string, reason: string) {
    super({ code: errno, message: `${call}: ${reason}` });
    this.name = 'SyscallError';
    this.errno = errno;
    this.call = call;
    this.reason = reason;
  }
}

/** The errno of anything thrown by the kernel's two doors, node:fs and this folder; '' for every other error. */
export function errnoOf(error: unknown): string {
  // By shape rather than class: a test runner's own realm has an Error of its own.
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : '';
}
