/** What some containers need before their first process: whose namespaces they join, and mounts on the host. */
import { applySteps, type ApplyOptions } from '../../../runtime/plan/apply.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { findJoined } from '../joined.ts';
import { planEarly } from '../plans/early-plan.ts';
import type { RunOptions } from '../plans/prepare.ts';
import { shmPath } from '../state/paths.ts';
import type { ShimContext } from './context.ts';

/** `stepwise`: the steps are the caller's to carry out. @throws as findJoined. */
export async function share(
  { store, config }: ShimContext,
  options: ApplyOptions,
  stepwise: boolean,
): Promise<Pick<RunOptions, 'joined' | 'early'>> {
  const { namespaces } = config.spec;
  const joined = namespaces && findJoined(store, config);
  const early = planEarly(store.paths, config);
  if (namespaces?.ipc === 'shareable') ensurePrivateDir(shmPath(store.paths, config.id));
  if (!stepwise) await applySteps(early, options);
  return { joined, early };
}
