/**
 * Fault injection, for tests. `failAt` is the id of a step that fails when its turn comes, or `kill:` and the id of a
 * step before which the process that carries it out gets SIGKILL, as by someone else at the worst moment.
 */
import type { StepId } from './step.ts';

/** Whether something is to happen at this step, so that it must not be left out. */
export const isFaultAt = (id: StepId, failAt: string | undefined): boolean =>
  failAt === id || failAt === `kill:${id}`;

/** Whether the step is to fail. Does not return where the process is to be killed. */
export function isFailing(id: StepId, failAt: string | undefined): boolean {
  if (failAt === `kill:${id}`) process.kill(process.pid, 'SIGKILL');
  return failAt === id;
}
