/** A container and its resources on the host. */
import type { ContainerConfig, NetworkState } from './spec/container.ts';

export interface Run {
  readonly config: ContainerConfig;
  /** The program ran: everything had been set up. */
  readonly ran: boolean;
  /** According to its record. */
  readonly network: NetworkState | undefined;
}
