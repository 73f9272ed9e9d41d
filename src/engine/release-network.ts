/** Giving back what was acquired for a run, by the process that holds it, once nothing of the container uses it. */
import { releaseAddresses } from '../../runtime/network/ipam.ts';
import { releasePorts, type HeldPort } from '../../runtime/network/ports.ts';
import { doneStep } from '../../runtime/plan/step-span.ts';
import { leasedIds, releaseIds } from '../../runtime/process/id-ranges.ts';
import { idsDir, leasesDir, type Paths } from './paths.ts';

export function releaseNetwork(paths: Paths, id: string, ports: readonly HeldPort[]): void {
  releasePorts(ports);
  releaseLeases(paths, id);
}

/** The address and, of a container with users of its own, their ids. */
export function releaseLeases(paths: Paths, id: string): void {
  doneStep('address.release', () => releaseAddresses(leasesDir(paths), id));
  if ([...leasedIds(idsDir(paths)).values()].includes(id)) {
    doneStep('ids.release', () => releaseIds(idsDir(paths), id));
  }
}
