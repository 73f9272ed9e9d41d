/**
 * `pause` and `unpause`. Whether a container is paused is what the kernel's freezer says. A file in its run directory
 * tells `ps` which containers to ask the kernel about, so that the others cost it nothing; it goes with the run. It is
 * written before the group is frozen: a command that is killed in between leaves a container that runs, and says so.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { isFrozen, planFreeze, planThaw, untilFrozen } from '../../../runtime/cgroup/freezer.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { applySteps } from '../../../runtime/plan/apply.ts';
import { NO_JOURNAL } from '../../../runtime/plan/journal.ts';
import { stepSpan } from '../../../runtime/plan/step-span.ts';
import type { HostStep } from '../../../runtime/plan/step.ts';
import { faultToInject, refuseInjected } from '../state/perform-step.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { containerEvent } from '../state/events/events.ts';
import { cgroupsPath, pausedPath, type Paths } from '../state/paths.ts';
import { readSmallFile } from '../state/atomic-file.ts';
import { isSameProcess } from '../state/process-identity.ts';
import type { Container } from '../state/store.ts';

/** Told the plan before it is carried out. */
type Tell = (steps: readonly HostStep[]) => void;

/** Of a container that says it runs. */
export const isPaused = (config: ContainerConfig): boolean => isFrozen(cgroupsPath(config));

/** Nothing is touched. @throws MinidockError in Docker's words where it cannot be paused. */
export function planPause({ config, state }: Container): readonly HostStep[] {
  const { id } = config;
  if (state.status === 'restarting')
    throw refused(`Container ${id} is restarting, wait until the container is running`);
  if (state.status === 'paused') throw refused(`Container ${id} is already paused`);
  if (state.status !== 'running') throw refused(`container ${id} is not running`);
  if (isPaused(config)) throw refused(`Container ${id} is already paused`);
  return planFreeze(cgroupsPath(config));
}

/** Nothing is touched. @throws MinidockError in Docker's words where it is not paused. */
export function planUnpause({ config, state }: Container): readonly HostStep[] {
  const runs = state.status === 'running' || state.status === 'paused';
  if (!runs || !isPaused(config)) throw refused(`Container ${config.id} is not paused`);
  return planThaw(cgroupsPath(config));
}

/**
 * `owner`: who lets it go on soon, as thisProcess() says; a command that finds it dead does.
 *
 * @throws MinidockError as planPause, and 'STEP_FAILED' or 'CANNOT_FREEZE' with the container thawed again.
 */
export async function pauseContainer(
  paths: Paths,
  container: Container,
  tell?: Tell,
  owner = '',
): Promise<void> {
  const steps = planPause(container);
  const { config } = container;
  tell?.(steps);
  const [freeze, settle] = steps;
  writeFileSync(pausedPath(paths, config.id), owner, { mode: 0o600 });
  try {
    await applySteps(freeze === undefined ? [] : [freeze], options());
    await stepSpan(settle === undefined ? [] : [settle], async (note) => {
      if (settle !== undefined) refuseInjected(settle);
      if (!(await untilFrozen(cgroupsPath(config)))) throw cannotFreeze(config);
      note({ outcome: 'done' });
    });
  } catch (error) {
    await thaw(config);
    rmSync(pausedPath(paths, config.id), { force: true });
    throw error;
  }
  recordEvent(paths, containerEvent(config, 'pause'));
}

/** @throws MinidockError as planUnpause, and 'STEP_FAILED'. */
export async function unpauseContainer(paths: Paths, container: Container, tell?: Tell): Promise<void> {
  const steps = planUnpause(container);
  tell?.(steps);
  await applySteps(steps, options());
  rmSync(pausedPath(paths, container.config.id), { force: true });
  recordEvent(paths, containerEvent(container.config, 'unpause'));
}

/** Whether who paused it, for as long as its own work takes, was killed. */
export function isForsaken(paths: Paths, { id }: ContainerConfig): boolean {
  let owner: string;
  try {
    owner = readSmallFile(pausedPath(paths, id));
  } catch (error) {
    // It goes on already.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const [pid = '', start = ''] = owner.split(' ');
  return pid !== '' && !isSameProcess(Number(pid), start);
}

/** So that a signal arrives: what stops a container, or kills it, does not leave it paused. */
export async function thawToEnd(
  paths: Paths,
  { config }: Container,
  steps: readonly HostStep[] = planThaw(cgroupsPath(config)),
): Promise<void> {
  if (!isPaused(config)) return;
  try {
    await applySteps(steps, { journal: NO_JOURNAL });
  } catch (error) {
    // On version 2 SIGKILL may have ended it meanwhile, and its group is gone.
    if (isPaused(config)) throw error;
  }
  rmSync(pausedPath(paths, config.id), { force: true });
}

/** Whatever happens, a group that was to be left as it was is not left frozen. */
async function thaw(config: ContainerConfig): Promise<void> {
  const path = cgroupsPath(config);
  if (isFrozen(path)) await applySteps(planThaw(path), { journal: NO_JOURNAL });
}

const options = (): Parameters<typeof applySteps>[1] => ({ journal: NO_JOURNAL, ...faultToInject() });

const cannotFreeze = ({ id, name }: ContainerConfig): MinidockError =>
  new MinidockError({
    code: 'CANNOT_FREEZE',
    message: `cannot pause container ${id}: one of its processes does not stop within 5 seconds`,
    hint: `It runs on. A process in uninterruptible sleep (state D, see minidock inspect --host ${name}) is the usual reason.`,
  });

const refused = (message: string): MinidockError => new MinidockError({ code: 'WRONG_STATE', message });
