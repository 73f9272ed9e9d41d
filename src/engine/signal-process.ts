/** A signal for one process, and never for a later one that got its number. The performer of `signal` (stop-plan.ts). */
import { MinidockError } from '../../runtime/errors.ts';
import { kernel } from '../../runtime/syscall/libc.ts';
import { isActive } from './spec/container.ts';
import { recordEvent } from './state/events/event-log.ts';
import { containerEvent } from './state/events/events.ts';
import { isSameProcess } from './state/process-identity.ts';
import type { Container, ContainerStore } from './state/store.ts';

/** @throws MinidockError 'NOT_RUNNING'. */
export function signalContainer({ paths }: ContainerStore, container: Container, signal: number): void {
  refuseStopped(container);
  const { pid, pidStartTime } = container.state;
  recordEvent(paths, containerEvent(container.config, 'kill', { signal: String(signal) }));
  signalProcess(pid, pidStartTime, signal);
}

/** @throws MinidockError 'NOT_RUNNING'. */
export function refuseStopped({ config, state }: Container): void {
  if (!isActive(state)) {
    throw new MinidockError({
      code: 'NOT_RUNNING',
      message: `cannot kill container: ${config.name}: container ${config.id} is not running`,
    });
  }
}

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

/** The process ended by itself. */
const isGone = (error: unknown): boolean => (error as { errno?: string }).errno === 'ESRCH';
