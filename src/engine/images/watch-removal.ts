/** Turns what the image store removes into steps: told before, carried out one by one, or only told. */
import type { RemovalWatch } from '../../../images/store/requests.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { planImageRemoval } from '../plans/image-removal-plan.ts';
import type { Paths } from '../state/paths.ts';
import { performStep } from '../state/perform-step.ts';

export interface RemovalMode {
  readonly dryRun?: boolean | undefined;
  /** Gets the plan before it is carried out. */
  readonly tell?: ((steps: readonly Step[]) => void) | undefined;
}

export function watchRemoval(paths: Paths, { dryRun = false, tell }: RemovalMode): RemovalWatch {
  let of: ReadonlyMap<string, Step> = new Map();
  return {
    planned: (going) => {
      const plan = planImageRemoval(paths, going);
      of = plan.of;
      tell?.(plan.steps);
      return !dryRun;
    },
    perform: (what, work) => {
      const step = of.get(what);
      return step === undefined ? work() : performStep(step, work);
    },
  };
}
