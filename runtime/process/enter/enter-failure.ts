/**
 * The fate of an exec'd process, from the sixteen bytes of its report. A hostile container may have forged them (it
 * can trace the child), so they only select one of the messages sent before.
 */
import { errnoName, errnoReason } from '../../syscall/ffi.ts';
import type { CallReport } from '../../syscall/call-report.ts';
import { execFailed } from '../executable.ts';
import type { CallWords, InitFailure } from '../init-protocol.ts';

/** `report` is undefined if there is none: the process is gone, or `rest`, all that came, is its last words. */
export function enterFailure(
  calls: readonly CallWords[],
  report: CallReport | undefined,
  rest: Uint8Array,
): InitFailure {
  if (report === undefined) return spoken(rest) ?? DIED;
  const failed = calls[report.index];
  if (failed === undefined) return DIED;
  const errno = errnoName(report.errno);
  const reason = errnoReason(report.errno);
  if (failed.program !== undefined) {
    const { code, message, exitCode = 126, hint } = execFailed(failed.program, errno, reason);
    return failure(failed.step, { code, message, exitCode, ...(hint === undefined ? {} : { hint }) });
  }
  const refused = errno === 'EPERM' && BY_THE_FILTER.test(failed.call);
  return failure(failed.step, {
    code: errno,
    message: `${failed.call}: ${reason}`,
    exitCode: 125,
    ...(refused
      ? { hint: 'exec needs a seccomp profile that allows clone, setsid, close_range and execve.' }
      : {}),
  });
}

/** What a profile of the user's may refuse, and nobody else does. */
const BY_THE_FILTER = /^(clone|setsid|close_range)\(/;

/** The process could not become the list of calls, and was still able to say so in a line. */
function spoken(rest: Uint8Array): InitFailure | undefined {
  const text = Buffer.from(rest).toString();
  return text.startsWith('{') && text.endsWith('}\n') ? (JSON.parse(text) as InitFailure) : undefined;
}

const failure = (step: string, words: Omit<InitFailure, 'type' | 'step'>): InitFailure => ({
  type: 'error',
  step,
  ...words,
});

const DIED: InitFailure = failure('process.exec', {
  code: '',
  message: 'the process ended before the program began',
  exitCode: 125,
  hint: 'The container may just have stopped.',
});
