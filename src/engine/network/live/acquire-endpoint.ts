/** One more cable for a container that runs. */
import type { ForeignFirewall } from '../../../../runtime/network/firewall/foreign.ts';
import { releaseAddress } from '../../../../runtime/network/ipam.ts';
import type { BridgeEndpoint } from '../../../../runtime/network/types.ts';
import type { ContainerConfig, EndpointSpec } from '../../spec/container.ts';
import { leasesDir } from '../../state/paths.ts';
import type { ContainerStore } from '../../state/store.ts';
import { ownAddresses } from '../../spec/endpoints.ts';
import { replaceCable } from '../address-notes.ts';
import { nextEndpoint } from '../make-endpoints.ts';
import { foreignFor, leaseIn } from '../networking.ts';

/** Its lease is the caller's to give back. */
export async function acquireEndpoint(
  store: ContainerStore,
  config: ContainerConfig,
  spec: EndpointSpec,
  others: readonly BridgeEndpoint[],
): Promise<{ readonly endpoint: BridgeEndpoint; readonly foreign: readonly ForeignFirewall[] }> {
  const leased = leaseIn(store, config.id, spec);
  const endpoint = nextEndpoint(config, leased, others);
  try {
    await replaceCable(store.paths, endpoint);
    return { endpoint, foreign: await foreignFor([endpoint]) };
  } catch (error) {
    for (const address of ownAddresses(endpoint))
      releaseAddress(leasesDir(store.paths), leased.network.id, address, config.id);
    throw error;
  }
}
