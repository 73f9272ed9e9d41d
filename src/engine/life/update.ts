/**
 * `update`: other limits and another restart policy for a container that exists. Of one that runs the kernel's files
 * come first: what the kernel refuses is not recorded, and what it had taken by then is taken back. Of one that does
 * not run only the record changes, while nobody can start it, and the next start goes by it. The shim reads the restart
 * policy again at each end of a run (shim/exit.ts).
 */
import { join } from 'node:path';
import { memoryUse, MEMORY_STEPS, planLimitChange } from '../../../runtime/cgroup/update.ts';
import { validateResources } from '../../../runtime/cgroup/validate.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { delay } from '../../../runtime/io/delay.ts';
import { applySteps } from '../../../runtime/plan/apply.ts';
import { StepError } from '../../../runtime/plan/step-error.ts';
import type { HostStep } from '../../../runtime/plan/step.ts';
import { undoEntries, describeUndo } from '../../../runtime/plan/undo.ts';
import { ociLimits } from '../plans/bundle-resources.ts';
import { faultToInject } from '../state/perform-step.ts';
import { POLL } from '../recovery.ts';
import { findContainer } from '../reconcile.ts';
import { hasProgram, type ContainerConfig } from '../spec/container.ts';
import { refuseImpossible } from '../spec/resource-flags.ts';
import { changedLimits, withUpdate, type Update } from '../spec/update.ts';
import { changeConfig } from '../state/change-config.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { containerEvent } from '../state/events/events.ts';
import { tryLock } from '../state/lock.ts';
import { cgroupsPath, containerDir, containerLock } from '../state/paths.ts';
import type { Container, ContainerStore } from '../state/store.ts';

/** Told the plan before it is carried out. */
type Tell = (steps: readonly HostStep[]) => void;

/** Milliseconds for a start or an end, or another update, that is under way. */
const PATIENCE = 10_000;

/** What makes no sense by itself, whatever the container. @throws MinidockError in Docker's words. */
export function checkUpdate({ resources }: Update): void {
  try {
    // Docker lets --memory-swap alone pass here, since the container may have a memory limit.
    validateResources(
      resources.memory === 0 ? { ...resources, memorySwap: Math.min(0, resources.memorySwap) } : resources,
    );
    refuseImpossible(resources);
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    throw new MinidockError({
      code: 'INVALID_RESOURCES',
      ...(error.hint !== undefined && { hint: error.hint }),
      message: error.message,
      exitCode: 1,
    });
  }
}

/** None for a container that does not run. @throws MinidockError in Docker's words. */
export function planUpdate({ config, state, unreadable }: Container, update: Update): readonly HostStep[] {
  if (unreadable !== undefined) throw unreadable;
  const { spec } = tried(config, () => withUpdate(config, update));
  if (!hasProgram(state)) return [];
  const limits = ociLimits(changedLimits(spec.resources, update.resources));
  const { pidsLimit } = update.resources;
  const lifted = pidsLimit < 0 ? { pids: { limit: -1 } } : {};
  return tried(config, () => planLimitChange(cgroupsPath(config), { ...limits, ...lifted, devices: [] }));
}

/** @throws MinidockError as planUpdate, and 'CANNOT_UPDATE' with all as it was. */
export async function updateContainer(
  store: ContainerStore,
  container: Container,
  update: Update,
  tell?: Tell,
): Promise<void> {
  const { id } = container.config;
  for (const end = Date.now() + PATIENCE; ; await delay(POLL)) {
    const now = await findContainer(store, id);
    const active = hasProgram(now.state) || now.state.status === 'restarting';
    // Of two updates one waits; between two runs the shim holds the container's lock, and reads the record again.
    const path = active ? join(containerDir(store.paths, id), 'update.lock') : containerLock(store.paths, id);
    const lock = tryLock(path);
    if (lock !== undefined) {
      try {
        await change(store, await findContainer(store, id), update, tell);
        return;
      } finally {
        lock.release();
      }
    }
    if (Date.now() > end) throw busy(container.config);
  }
}

async function change(
  store: ContainerStore,
  container: Container,
  update: Update,
  tell: Tell | undefined,
): Promise<void> {
  const { config } = container;
  const steps = planUpdate(container, update);
  tell?.(steps);
  await applyOrUndo(config, steps);
  try {
    const changed = changeConfig(store, config.id, (now) => tried(now, () => withUpdate(now, update)));
    recordEvent(store.paths, containerEvent(changed, 'update'));
  } catch (error) {
    await takeBack(steps);
    throw error;
  }
}

async function applyOrUndo(config: ContainerConfig, steps: readonly HostStep[]): Promise<void> {
  const done: HostStep[] = [];
  const journal = { record: (begun: readonly HostStep[]) => void done.push(...begun) };
  try {
    await applySteps(steps, { journal, ...faultToInject() });
  } catch (error) {
    const undone = await takeBack(done);
    throw cannotUpdate(config, refusal(config, steps, error), undone);
  }
}

async function takeBack(steps: readonly HostStep[]): Promise<string> {
  const entries = steps.flatMap(({ id, undo }) =>
    undo.kind === 'command' ? [{ id, undo: undo.command }] : [],
  );
  return describeUndo(await undoEntries(entries.reverse()));
}

/** Version 1 refuses a memory limit below what cannot be reclaimed: in runc's words, which Docker shows. */
function refusal(config: ContainerConfig, steps: readonly HostStep[], error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  if (!(error instanceof StepError) || !MEMORY_STEPS.includes(error.step) || !words.includes('EBUSY'))
    return words;
  const command = steps.find(({ id }) => id === error.step)?.command;
  const { usage, peak } = memoryUse(cgroupsPath(config));
  const limit = command?.kind === 'write' ? command.text : '';
  return `unable to set memory limit to ${limit} (current usage: ${usage}, peak usage: ${peak})`;
}

/** What `work` refuses, with the words Docker's daemon puts before it. */
function tried<T>(config: ContainerConfig, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    throw cannotUpdate(config, error.message, undefined, error.hint);
  }
}

const cannotUpdate = ({ id }: ContainerConfig, why: string, undone?: string, hint?: string): MinidockError =>
  new MinidockError({
    code: 'CANNOT_UPDATE',
    message: `Cannot update container ${id}: ${why}${undone === undefined ? '' : `\n${undone}`}`,
    exitCode: 1,
    ...(hint === undefined ? {} : { hint }),
  });

const busy = ({ name }: ContainerConfig): MinidockError =>
  new MinidockError({
    code: 'BUSY',
    message: `container ${name} is being started, updated or removed by another command`,
    hint: 'Try again in a moment.',
    exitCode: 1,
  });
