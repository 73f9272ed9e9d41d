/** What a container that shares namespaces needs before its first process: who they belong to, and shared memory. */
import { applySteps, type ApplyOptions } from '../../../runtime/plan/apply.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { findJoined } from '../joined.ts';
import type { Joined } from '../plans/bundle-input.ts';
import { planShm } from '../plans/shm-plan.ts';
import { shmPath } from '../state/paths.ts';
import type { ShimContext } from './context.ts';

/** `stepwise`: the steps are the caller's to carry out. @throws as findJoined. */
export async function share(
  { store, config }: ShimContext,
  options: ApplyOptions,
  stepwise: boolean,
): Promise<Joined> {
  const joined = findJoined(store, config);
  const steps = planShm(store.paths, config);
  if (steps.length > 0) ensurePrivateDir(shmPath(store.paths, config.id));
  if (!stepwise) await applySteps(steps, options);
  return joined;
}
