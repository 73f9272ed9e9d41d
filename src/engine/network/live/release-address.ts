/** The address of one network given back while the container runs on, as a step. */
import { join } from 'node:path';
import type { BridgeEndpoint } from '../../../../runtime/network/types.ts';
import type { NetworkState } from '../../spec/container.ts';
import { leasesDir, type Paths } from '../../state/paths.ts';
import { ownAddresses } from '../../spec/endpoints.ts';
import type { FileStep } from '../../state/perform-file.ts';
import { planRelease } from '../release-network.ts';

export function planReleaseOf(
  paths: Paths,
  id: string,
  network: NetworkState | undefined,
  endpoint: Pick<BridgeEndpoint, 'network' | 'address' | 'address6'>,
): readonly FileStep[] {
  const leases = ownAddresses(endpoint).map((address) =>
    join(leasesDir(paths), endpoint.network.id, address),
  );
  return planRelease(paths, id, { network })
    .filter(({ command }) => 'path' in command && leases.includes(command.path))
    .map((step, index) => ({ ...step, id: index === 0 ? 'address.release' : 'address.release6' }));
}
