/** `--explain` and `--dry-run` of `stop` and `rm`. */
import { join } from 'node:path';
import type { HostStep } from '../../../runtime/plan/step.ts';
import type { StepTime } from '../../../runtime/plan/step-span.ts';
import { planRemoval, planStop, planUndo } from '../../engine/plans/ending-plan.ts';
import {
  KILL,
  removeContainer,
  signalling,
  stillRunning,
  stopContainer,
  type StopOptions,
} from '../../engine/lifecycle.ts';
import { volumesDir } from '../../engine/state/paths.ts';
import { findContainer } from '../../engine/refresh.ts';
import { volumesThatGo } from '../../engine/state/remove-files.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { explainHow, type ExplainFlags } from './explain-flags.ts';
import { printSteps, sayNothing } from './teller.ts';
import { createTelling } from './telling.ts';
import { isActive } from '../../engine/spec/container.ts';

/** The name to print; nothing if nothing was done. */
export async function explainStop(
  store: ContainerStore,
  name: string,
  options: StopOptions,
  flags: ExplainFlags,
): Promise<string | undefined> {
  const container = await findContainer(store, name);
  const { status } = container.state;
  if (!isActive(container.state)) {
    const [output, how] = [flags.dryRun === true ? stdout : stderr, explainHow(flags) ?? 'full'];
    sayNothing(output, how, `container ${name} is not running (${status})`);
    return flags.dryRun === true ? undefined : name;
  }
  const steps = [
    ...planStop(store.paths, container, signalling(container, options)),
    ...(container.config.spec.autoRemove ? planFiles(store, container, true) : []),
  ];
  return tell(steps, name, flags, (onStep) => stopContainer(store, container, { ...options, onStep }));
}

export async function explainRemoval(
  store: ContainerStore,
  name: string,
  options: { readonly force: boolean; readonly volumes: boolean },
  flags: ExplainFlags,
): Promise<string | undefined> {
  const container = await findContainer(store, name);
  const running = isActive(container.state);
  if (running && !options.force) throw stillRunning(container.config.name, container.state.status);
  const steps = [
    ...(running ? planStop(store.paths, container, KILL) : planUndo(store.paths, container)),
    // With --rm its shim removes the container and its volumes.
    ...planFiles(store, container, options.volumes || (running && container.config.spec.autoRemove)),
  ];
  return tell(steps, name, flags, (onStep) => removeContainer(store, container, { ...options, onStep }));
}

function planFiles(store: ContainerStore, container: Container, volumes: boolean): readonly HostStep[] {
  const names = volumes ? volumesThatGo(store, container.config) : [];
  const places = names.map((name) => ({ name, path: join(volumesDir(store.paths), name) }));
  return planRemoval(store.paths, container, places);
}

async function tell(
  steps: readonly HostStep[],
  name: string,
  flags: ExplainFlags,
  act: (onStep: (step: StepTime) => void) => Promise<void>,
): Promise<string | undefined> {
  const how = explainHow(flags) ?? 'full';
  if (flags.dryRun === true) {
    await printSteps(steps, how);
    return undefined;
  }
  const telling = await createTelling(how);
  telling.plan(steps);
  try {
    await act(telling.done);
  } finally {
    // The next name has steps of the same ids.
    telling.end();
  }
  return name;
}
