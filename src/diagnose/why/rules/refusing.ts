/** Rules of `ip rule` that refuse a packet, whatever the routes say (ip-rule(8)). */
import type { IpRule } from '../../host/ip.ts';
import { bitsOf, familyOf, isIn } from '../family.ts';
import { bad } from '../findings.ts';
import type { Finding, TracedPacket } from '../model.ts';
import type { Scene } from '../observe.ts';
import { inStack } from '../stack.ts';

export type Asked = Pick<TracedPacket, 'source' | 'destination' | 'iif'> &
  Partial<Pick<TracedPacket, 'sourcePort' | 'destinationPort'>> & { readonly protocol: string };

const ACTIONS: readonly string[] = ['blackhole', 'unreachable', 'prohibit'];

/** The first that has no mark, since marks do not show. */
export const refusingRule = (rules: readonly IpRule[], asked: Asked): IpRule | undefined =>
  rules.find(
    (rule) => ACTIONS.includes(rule.action ?? '') && rule.fwmark === undefined && meets(rule, asked),
  );

/** Its mark apart. */
export const meets = (rule: IpRule, { source, destination, iif, protocol, ...ports }: Asked): boolean =>
  isWithin(rule.src, rule.srclen, source) &&
  isWithin(rule.dst, rule.dstlen, destination) &&
  (rule.iif === undefined || rule.iif === (iif === '' ? 'lo' : iif)) &&
  (rule.ipproto === undefined || rule.ipproto === protocol) &&
  (rule.sport === undefined || rule.sport === ports.sourcePort) &&
  (rule.dport === undefined || rule.dport === ports.destinationPort);

/** In iproute2's JSON, 'all' is any address, and an address without a length is that one. */
const isWithin = (base: string | undefined, length: number | undefined, address = ''): boolean =>
  base === undefined || base === 'all' || isIn(`${base}/${length ?? bitsOf(familyOf(base))}`, address);

/** What connect(2) says where such a rule meets its own packets. */
export function refusedHere(scene: Scene): Finding | undefined {
  const { journey, sender, host, senderRoute } = scene;
  const stack = sender ?? (journey.from.kind === 'host' ? host : undefined);
  if (stack === undefined) return undefined;
  const asked: Asked = {
    ...{
      source: senderRoute?.prefsrc ?? '',
      destination: scene.final?.address ?? journey.asked.address,
      iif: '',
    },
    ...{ destinationPort: scene.final?.port ?? journey.asked.port, protocol: journey.protocol },
  };
  const plain = { ...asked, destination: journey.asked.address, destinationPort: journey.asked.port };
  const rule = refusingRule(stack.rules, plain) ?? refusingRule(stack.rules, asked);
  if (rule === undefined) return undefined;
  const text = `a rule of ip rule in ${stack.name} (priority ${rule.priority}) refuses the packet: ${rule.action ?? ''}`;
  const fix = inStack(stack, ['ip', 'rule', 'del', 'pref', String(rule.priority), rule.action ?? '']).join(
    ' ',
  );
  return { ...bad('sender', 'no-route', text, inStack(stack, ['ip', 'rule'])), fix };
}
