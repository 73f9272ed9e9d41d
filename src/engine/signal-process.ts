/** A signal for one process, and never for a later one that got its number. */
import { kernel } from '../../runtime/syscall/libc.ts';
import { isSameProcess } from './state/process-identity.ts';

/** One that has ended needs no signal any more. */
export function signalProcess(pid: number, start: string, signal: number): void {
  if (pid <= 0) return;
  // The pidfd pins the process first; the start time then proves that it is the one that was meant.
  let pidfd: number;
  try {
    pidfd = kernel.pidfdOpen(pid);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  try {
    if (isSameProcess(pid, start)) kernel.pidfdSendSignal(pidfd, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  } finally {
    kernel.close(pidfd);
  }
}

/** The process ended between two looks: what was wanted of it has come about by itself. */
const isGone = (error: unknown): boolean => (error as { errno?: string }).errno === 'ESRCH';
