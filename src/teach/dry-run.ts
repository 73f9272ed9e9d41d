/** `run --dry-run`: the steps of a container, told and not done. On stdout, which has nothing else to say. */
import type { ContainerConfig } from '../engine/container.ts';
import { previewNetwork } from '../engine/networking.ts';
import { allSteps } from '../engine/run-plan.ts';
import { computeRun } from '../engine/shim/prepare.ts';
import type { ContainerStore } from '../engine/store.ts';
import type { ExplainHow } from './explain-flags.ts';
import { printSteps } from './teller.ts';

/** What `run` would do now for this container; nothing is made, leased or reserved. */
export async function printDryRun(
  store: ContainerStore,
  config: ContainerConfig,
  how: ExplainHow,
): Promise<void> {
  const attachment = await previewNetwork(store, config);
  const { plan } = computeRun(store.paths, config, attachment);
  await printSteps(allSteps(plan), how);
}
