/** A container and what it has of the host, as far as that has to be taken back. */
import type { ContainerConfig, NetworkState } from './spec/container.ts';

export interface Run {
  readonly config: ContainerConfig;
  /** The program ran: everything had been set up. */
  readonly ran: boolean;
  /** As far as its record tells. */
  readonly network: NetworkState | undefined;
}
