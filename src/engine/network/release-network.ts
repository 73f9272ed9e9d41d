/** Giving back what was acquired for a run, by the process that holds it, once nothing of the container uses it. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { releaseAddresses } from '../../../runtime/network/ipam.ts';
import { releasePorts, type HeldPort } from '../../../runtime/network/ports.ts';
import { doneStep } from '../../../runtime/plan/step-span.ts';
import { leasedIds, releaseIds } from '../../../runtime/process/identity/id-ranges.ts';
import type { NetworkState } from '../spec/container.ts';
import { endpointStates } from '../spec/endpoints.ts';
import { idsDir, leasesDir, type Paths } from '../state/paths.ts';
import { isId } from '../state/records.ts';

export function releaseNetwork(paths: Paths, id: string, ports: readonly HeldPort[], held?: Leased): void {
  releasePorts(ports);
  releaseLeases(paths, id, held);
}

/** What a container's record says that it holds. */
export interface Leased {
  readonly network?: NetworkState | undefined;
  readonly firstId?: number | undefined;
}

/** The addresses and, of a container with users of its own, their ids. */
export function releaseLeases(paths: Paths, id: string, { network, firstId }: Leased = {}): void {
  doneStep('address.release', () => {
    releaseAddresses(leasesDir(paths), id);
    for (const endpoint of endpointStates(network))
      releaseDamaged(join(leasesDir(paths), endpoint.network.id, endpoint.address));
  });
  if (firstId !== undefined) releaseDamaged(join(idsDir(paths), String(firstId)));
  if ([...leasedIds(idsDir(paths)).values()].includes(id)) {
    doneStep('ids.release', () => releaseIds(idsDir(paths), id));
  }
}

/** A lease that does not say whose it is any more, of what the caller holds. */
function releaseDamaged(path: string): void {
  if (existsSync(path) && !isId(readFileSync(path, 'utf8').trim())) rmSync(path, { force: true });
}
