/**
 * An address that this host and another machine on a cable of it have. What the host sends or forwards to it ends at the
 * host; on a bridge of the host both answer ARP, and the faster one gets the packet.
 */
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { IpLink, IpRoute } from '../host/ip.ts';
import { bitsOf, familyOf, ipCommand } from './family.ts';
import { bad } from './findings.ts';
import type { Finding, Probe } from './model.ts';
import type { Scene } from './observe.ts';
import { addressesOf, type Stack } from './stack.ts';
import { hostEnd } from './physical.ts';
import { isAnswer, isIp } from './trace.ts';

/** Empty if the host alone has the address, or has it not. */
export function checkTwins(scene: Scene): readonly Finding[] {
  const { host, journey, receiver, twins, final } = scene;
  const address = final?.address ?? journey.asked.address;
  if (receiver !== undefined && scene.kept !== undefined) return [keptBy(scene.kept, address, receiver)];
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

/** A route of type local makes the host take packets in, and answer ARP, as an address of its own does. */
function keptBy({ dst, dev = 'lo', table }: IpRoute, address: string, receiver: Stack): Finding {
  const text = `the host has a route of type local to ${dst}: what is sent to ${receiver.name} can end at the host`;
  const show: Argv = [
    'ip',
    `-${String(receiver.family)}`,
    'route',
    'show',
    'table',
    'all',
    'type',
    'local',
    'match',
    address,
  ];
  const where = table === undefined || table === 'local' ? '' : ` table ${table}`;
  const fix = `${ipCommand(receiver.family)} route del local ${dst} dev ${dev}${where}`;
  return { ...bad('sender', 'own-address', text, show), fix };
}

const linkWith = (stack: Stack, address: string): IpLink | undefined =>
  stack.interfaces.find(({ ifname }) => addressesOf(stack, ifname).includes(address));

const isOneOfMany = (link: IpLink): boolean => link.addr_info.length > 1;

function deletion({ enter }: Stack, link: IpLink, address: string): string {
  const prefix =
    link.addr_info.find(({ local }) => local === address)?.prefixlen ?? bitsOf(familyOf(address));
  return [...enter, `ip address del ${address}/${prefix} dev ${link.ifname}`].join(' ');
}

/** The packet for a namespace or a container ended at the host: an answer to it proves nothing. */
export function endedHere({ journey, host, kept }: Scene, { trace = [], sourcePort }: Probe): boolean {
  const own = journey.toNetns !== undefined && addressesOf(host).includes(journey.asked.address);
  if (!own && kept === undefined) return false;
  const last = trace.filter((event) => isIp(event) && !isAnswer(event, sourcePort)).at(-1);
  // By lo the packet comes in again, and minidock's chains do not look at input.
  return last?.hook === 'input' || (kept !== undefined && last?.hook === 'prerouting');
}
