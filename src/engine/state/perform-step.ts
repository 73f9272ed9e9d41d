/**
 * Carries out one step that this process does itself, whatever the work is: the trace and --explain show it, and a test
 * can make it fail (MINIDOCK_FAIL_AT, see runtime/plan/fault.ts). Steps whose commands a performer can carry out go
 * through applySteps (runtime/plan/apply.ts) and performFileStep (perform-file.ts).
 */
import { isFailing } from '../../../runtime/plan/fault.ts';
import { StepError } from '../../../runtime/plan/step-error.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { stepSpan } from '../../../runtime/plan/step-span.ts';

/** For applySteps. */
export const faultToInject = (): { readonly failAt?: string } => {
  const failAt = process.env['MINIDOCK_FAIL_AT'];
  return failAt === undefined ? {} : { failAt };
};

/** @throws StepError if a test wants this step to fail. */
export function refuseInjected(step: Pick<Step, 'id' | 'title'>): void {
  if (!isFailing(step.id, process.env['MINIDOCK_FAIL_AT'])) return;
  throw new StepError(step, new Error('failure injected by MINIDOCK_FAIL_AT'));
}

/** Messages of a failure are those of `work`. */
export function performStep<T>(step: Step, work: () => Promise<T>): Promise<T> {
  return stepSpan([step], async (note) => {
    refuseInjected(step);
    const result = await work();
    note({ outcome: 'done' });
    return result;
  });
}

/** The one step of a verb that has one. */
export function performSteps<T>(steps: readonly Step[], work: () => Promise<T>): Promise<T> {
  const [step] = steps;
  return step === undefined ? work() : performStep(step, work);
}
