/** A container as it starts: with what its devices of CDI need. Their modules are loaded for a container that has some. */
import type { ContainerConfig } from '../spec/container.ts';

export const readCdi = async (config: ContainerConfig): Promise<ContainerConfig | undefined> =>
  config.spec.deviceRequests === undefined ? undefined : (await import('./inject.ts')).withCdiDevices(config);
