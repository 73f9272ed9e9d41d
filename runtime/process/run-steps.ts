/**
 * The one loop that performs container steps, for PID 1 and for exec. The first step that fails is reported with
 * its id; there is nothing to undo, since everything done so far ends with this process.
 */
import { MinidockError } from '../errors.ts';
import { stepSpan } from '../plan/step-span.ts';
import { performHanded } from '../rootfs/perform-handed.ts';
import type { ContainerStep } from '../rootfs/step.ts';
import { errnoOf } from '../syscall/error.ts';
import { span } from '../trace.ts';
import type { Channel } from './channel.ts';
import { waitsForGo } from './container-steps.ts';
import type { PerformContext } from './context.ts';
import { compileFilter, perform } from './perform.ts';

/** Exit status of a process that never became the program. */
const FAILED = 125;

export interface RunStepsOptions {
  /** Fault injection: fail at this step. */
  readonly failAt?: string | undefined;
  /** To ask before each step. */
  readonly stepwise?: boolean;
  /** How a step is carried out, unless as PID 1 does it. */
  readonly perform?: (step: ContainerStep) => void;
}

/** Returns only if the supervisor went away before 'go'; on success execve(2) has replaced this program. */
export function runSteps(
  steps: readonly ContainerStep[],
  context: PerformContext,
  channel: Channel,
  options: RunStepsOptions = {},
): void {
  const carryOut =
    options.perform ??
    ((step: ContainerStep) =>
      step.by === 'host'
        ? performHanded(step, context.handed.get(step.id), context)
        : perform(step.command, context));
  let waited = false;
  for (const step of steps) {
    if (!waited && waitsForGo(step)) {
      const master = context.terminal?.master;
      channel.send({ type: 'ready', ...(master === undefined ? {} : { terminalFd: master }) });
      attempt('process.load-seccomp', channel, () =>
        span('work', 'compile the filter', () => (context.filter ??= compileFilter(context.seccomp))),
      );
      if (!span('wait', 'wait for go', () => channel.waitForGo())) return;
      waited = true;
    }
    if (options.stepwise === true) {
      channel.send({ type: 'next', step: step.id });
      if (!channel.waitForGo()) return;
    }
    attempt(step.id, channel, () =>
      stepSpan([step], (note) => {
        if (step.id === options.failAt) {
          throw new MinidockError({ code: 'INJECTED', message: 'failure injected' });
        }
        carryOut(step);
        note({ outcome: 'done' });
      }),
    );
  }
}

/** Runs `action`; if it throws, tells the supervisor which step failed and ends the process. */
export function attempt<T>(step: string, channel: Channel, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const known = error instanceof MinidockError ? error : undefined;
    channel.send({
      type: 'error',
      step,
      code: known?.code ?? errnoOf(error),
      message: error instanceof Error ? error.message : String(error),
      exitCode: known?.exitCode ?? FAILED,
      ...(known?.hint === undefined ? {} : { hint: known.hint }),
    });
    channel.waitForHangUp();
    process.exit(known?.exitCode ?? FAILED);
  }
}
