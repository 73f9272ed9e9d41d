/**
 * Which family a question is about where neither an address nor a flag says so: IPv4, unless those who are named have
 * IPv6 alone, or the port is published for it alone.
 */
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import { endpointStates } from '../../engine/spec/endpoints.ts';
import type { Container } from '../../engine/state/store.ts';
import type { Family } from './family.ts';
import type { Question } from './question.ts';

export interface Named {
  readonly containers: readonly Container[];
  /** A container or a namespace of that name; undefined for other words. */
  readonly addressesOf: (word: string) => Promise<readonly string[] | undefined>;
}

export async function chooseFamily(question: Question, named: Named): Promise<Family> {
  const { family, host, sender, port, protocol } = question;
  if (family !== undefined) return family;
  for (const word of [host, sender]) {
    const addresses = await named.addressesOf(word);
    if (addresses !== undefined && addresses.length > 0 && addresses.every(isIpv6Text)) return 6;
    if (addresses !== undefined && word === host) return 4;
  }
  const at = named.containers
    .flatMap(({ state }) => state.network?.ports ?? [])
    .filter((binding) => binding.hostPort === port && binding.protocol === protocol);
  return at.length > 0 && at.every(({ hostIp }) => isIpv6Text(hostIp)) ? 6 : 4;
}

/** Of both families, in all of its networks. */
export const addressesIn = ({ state }: Container): readonly string[] =>
  endpointStates(state.network).flatMap(({ address, address6 = '' }) =>
    [address, address6].filter((one) => one !== ''),
  );
