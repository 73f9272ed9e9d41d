/**
 * The steps before a container's first process, whose mount namespace begins as a copy of the host's: what is mounted
 * on the host for it. Pure; most containers have none.
 */
import type { HostStep } from '../../../runtime/plan/step.ts';
import type { ContainerConfig } from '../spec/container.ts';
import type { Paths } from '../state/paths.ts';
import { planShm } from './shm-plan.ts';
import { planVolumes } from './volume-plan.ts';

export const planEarly = (paths: Paths, config: ContainerConfig): readonly HostStep[] => [
  ...planShm(paths, config),
  ...planVolumes(paths, config),
];
