/** The cables of a container that runs, as its plan was made from them: its record read backwards. */
import { hasIpv6 } from '../../../runtime/network/ipv6/keep-off.ts';
import { netnsName } from '../../../runtime/network/names.ts';
import type { BridgeEndpoint } from '../../../runtime/network/types.ts';
import type { ContainerConfig, NetworkState } from '../spec/container.ts';
import { endpointStates, interfaceOf } from '../spec/endpoints.ts';

/** The one with the default route, which has the published ports, is the first. */
export function bridgeEndpoints(
  { id, spec }: Pick<ContainerConfig, 'id' | 'spec'>,
  state: NetworkState | undefined,
): readonly BridgeEndpoint[] {
  return endpointStates(state).map((endpoint, index) => ({
    ...endpoint,
    containerId: id,
    netns: netnsName(id),
    interfaceName: interfaceOf(endpoint),
    ports: index === 0 ? (state?.ports ?? []) : [],
    firewall: spec.network.firewall,
    ipv6: hasIpv6(),
  }));
}
