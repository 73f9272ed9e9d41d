/**
 * An address that this host and another machine on a cable of it have. What the host sends or forwards to it ends at the
 * host; on a bridge of the host both answer ARP, and the faster one gets the packet.
 */
import type { IpLink } from '../host/ip.ts';
import { bitsOf, familyOf } from './family.ts';
import { bad } from './findings.ts';
import type { Finding, Probe } from './model.ts';
import type { Scene } from './observe.ts';
import { addressesOf, type Stack } from './stack.ts';
import { hostEnd } from './physical.ts';
import { isAnswer, isIp } from './trace.ts';

/** Empty if the host alone has the address, or has it not. */
export function checkTwins({ host, journey, receiver, twins, final }: Scene): readonly Finding[] {
  const address = final?.address ?? journey.asked.address;
  const mine = linkWith(host, address);
  if (mine === undefined) return [];
  for (const other of receiver === undefined ? twins : [receiver]) {
    const theirs = linkWith(other, address);
    // Others may have the same private network, far from this host.
    if (theirs === undefined || hostEnd(theirs, host) === undefined) continue;
    const text = `the host has ${address} too, on ${mine.ifname}: what is sent to ${other.name} can end at the host`;
    const fix =
      journey.to === undefined && isOneOfMany(theirs)
        ? deletion(other, theirs, address)
        : journey.to !== undefined || isOneOfMany(mine)
          ? deletion(host, mine, address)
          : `Give ${other.name} or the host another address.`;
    return [{ ...bad('sender', 'own-address', text, ['ip', '-br', 'address']), fix }];
  }
  return [];
}

const linkWith = (stack: Stack, address: string): IpLink | undefined =>
  stack.interfaces.find(({ ifname }) => addressesOf(stack, ifname).includes(address));

const isOneOfMany = (link: IpLink): boolean => link.addr_info.length > 1;

function deletion({ enter }: Stack, link: IpLink, address: string): string {
  const prefix =
    link.addr_info.find(({ local }) => local === address)?.prefixlen ?? bitsOf(familyOf(address));
  return [...enter, `ip address del ${address}/${prefix} dev ${link.ifname}`].join(' ');
}

/** The packet for a namespace ended at the host: an answer to it proves nothing. */
export function endedHere({ journey, host }: Scene, { trace = [], sourcePort }: Probe): boolean {
  if (journey.toNetns === undefined || !addressesOf(host).includes(journey.asked.address)) return false;
  const there = trace.filter((event) => isIp(event) && !isAnswer(event, sourcePort));
  return there.at(-1)?.hook === 'input';
}
