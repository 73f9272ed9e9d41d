/** By which names the other containers of a network find a container. */
import type { ContainerConfig } from '../spec/container.ts';
import { shortId } from '../spec/ids.ts';
import { DEFAULT_NETWORK } from '../spec/endpoints.ts';

/** In Docker's order; none on the default network, where nobody looks names up. */
export function dnsNames(
  { name, id, spec }: ContainerConfig,
  network: string | undefined,
  aliases: readonly string[] = [],
): readonly string[] {
  if (network === undefined || network === DEFAULT_NETWORK) return [];
  return [...new Set([name, ...aliases, shortId(id), spec.hostname])].filter((each) => each !== '');
}
