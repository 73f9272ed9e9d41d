/**
 * What it takes to believe a container's record that has no good seal (seal.ts), and to do without one that is lost.
 * Loaded when it is needed: it brings fifty kilobytes, and nearly every record has its seal.
 */
import type { Shape } from '../../../images/foreign/shape.ts';
import type { ContainerConfig, ContainerState } from '../spec/container.ts';
import { deriveState, shimOf } from './derived-state.ts';
import type { Paths } from './paths.ts';
import { containerConfig, containerState } from './records.ts';
import { unreadableConfig } from './unreadable.ts';

export interface Examiner {
  readonly config: Shape<ContainerConfig>;
  readonly state: Shape<Omit<ContainerState, 'health'>>;
  deriveState(this: void, paths: Paths, config: ContainerConfig, problem: string): ContainerState;
  shimOf(this: void, paths: Paths, id: string): number | undefined;
  unreadableConfig(this: void, paths: Paths, id: string): ContainerConfig;
}

export const examiner: Examiner = {
  config: containerConfig,
  state: containerState,
  deriveState,
  shimOf,
  unreadableConfig,
};
