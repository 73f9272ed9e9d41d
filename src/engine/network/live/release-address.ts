/** The address of one network given back while the container runs on, as a step. */
import { join } from 'node:path';
import type { BridgeEndpoint } from '../../../../runtime/network/types.ts';
import type { NetworkState } from '../../spec/container.ts';
import { leasesDir, type Paths } from '../../state/paths.ts';
import type { FileStep } from '../../state/perform-file.ts';
import { planRelease } from '../release-network.ts';

export function planReleaseOf(
  paths: Paths,
  id: string,
  network: NetworkState | undefined,
  endpoint: Pick<BridgeEndpoint, 'network' | 'address'>,
): readonly FileStep[] {
  const lease = join(leasesDir(paths), endpoint.network.id, endpoint.address);
  return planRelease(paths, id, { network })
    .filter(({ command }) => 'path' in command && command.path === lease)
    .map((step) => ({ ...step, id: 'address.release' }));
}
