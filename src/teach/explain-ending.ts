/** `stop` and `rm` told as they happen, or told and not done. */
import { join } from 'node:path';
import { planRemoval, planStop, planUndo } from '../engine/ending-plan.ts';
import {
  KILL,
  removeContainer,
  signalling,
  stillRunning,
  stopContainer,
  type StopOptions,
} from '../engine/lifecycle.ts';
import { volumesDir } from '../engine/paths.ts';
import { findContainer } from '../engine/refresh.ts';
import { volumesThatGo } from '../engine/remove-files.ts';
import type { ContainerStore } from '../engine/store.ts';
import { explainHow, tellingFor, type ExplainFlags } from './explain-flags.ts';
import { printSteps } from './teller.ts';

/** What there is to print: the name, unless nothing was done. */
export async function explainStop(
  store: ContainerStore,
  name: string,
  options: StopOptions,
  flags: ExplainFlags,
): Promise<string | undefined> {
  const container = await findContainer(store, name);
  const running = container.state.status === 'running';
  const steps = running ? planStop(store.paths, container, signalling(container, options)) : [];
  if (flags.dryRun === true) return printSteps(steps, explainHow(flags) ?? 'full').then(() => undefined);
  const telling = await tellingFor(flags);
  telling?.plan(steps);
  await stopContainer(store, container, { ...options, ...(telling && { onStep: telling.done }) });
  return name;
}

export async function explainRemoval(
  store: ContainerStore,
  name: string,
  options: { readonly force: boolean; readonly volumes: boolean },
  flags: ExplainFlags,
): Promise<string | undefined> {
  const container = await findContainer(store, name);
  const running = container.state.status === 'running';
  if (running && !options.force) throw stillRunning(container.config.name);
  const volumes = options.volumes ? volumesThatGo(store, container.config) : [];
  const places = volumes.map((volume) => ({ name: volume, path: join(volumesDir(store.paths), volume) }));
  const steps = [
    ...(running ? planStop(store.paths, container, KILL) : planUndo(store.paths, container)),
    ...planRemoval(store.paths, container, places),
  ];
  if (flags.dryRun === true) return printSteps(steps, explainHow(flags) ?? 'full').then(() => undefined);
  const telling = await tellingFor(flags);
  telling?.plan(steps);
  await removeContainer(store, container, { ...options, ...(telling && { onStep: telling.done }) });
  return name;
}
