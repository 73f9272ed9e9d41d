/** Giving back what networking.ts acquired, by the process that holds it, once nothing of the container uses it. */
import { releaseAddresses } from '../../runtime/network/ipam.ts';
import { releasePorts, type HeldPort } from '../../runtime/network/ports.ts';
import { leasesDir, type Paths } from './paths.ts';

export function releaseNetwork(paths: Paths, id: string, ports: readonly HeldPort[]): void {
  releasePorts(ports);
  releaseAddresses(leasesDir(paths), id);
}
