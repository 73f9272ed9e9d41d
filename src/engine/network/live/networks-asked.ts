/** The list of networks in a container's configuration, with one more or one less. */
import type { ContainerConfig, EndpointSpec } from '../../spec/container.ts';
import { endpointSpecs } from '../../spec/endpoints.ts';

/** In the place of one of the same network. */
export const withEndpoint = (config: ContainerConfig, spec: EndpointSpec): ContainerConfig =>
  withEndpoints(config, [
    ...endpointSpecs(config.spec.network).filter(({ network }) => network !== spec.network),
    spec,
  ]);

export const withoutEndpoint = (config: ContainerConfig, network: string): ContainerConfig =>
  withEndpoints(
    config,
    endpointSpecs(config.spec.network).filter((spec) => spec.network !== network),
  );

function withEndpoints(config: ContainerConfig, endpoints: readonly EndpointSpec[]): ContainerConfig {
  // What older versions kept of their only network is in the list now.
  const { ip, macAddress, ...network } = config.spec.network;
  void [ip, macAddress];
  return { ...config, spec: { ...config.spec, network: { ...network, endpoints } } };
}
