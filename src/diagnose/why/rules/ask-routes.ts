/**
 * Repeats the kernel's routing decision, to get its reason: `ip route get` says what becomes of a packet, and the tables
 * say which of their lines decides that.
 */
import type { Argv } from '../../../../runtime/plan/argv.ts';
import { lookAt } from '../../../../runtime/plan/read-program.ts';
import { askIp, readRouteTo, type IpRoute, type IpRule } from '../../host/ip.ts';
import { isStrict } from '../client/client-route.ts';
import { ipCommand, prefixOf } from '../family.ts';
import { bad } from '../findings.ts';
import { isHosts } from '../kinds.ts';
import type { Finding, Probe, TracedPacket, TraceEvent, Verdict } from '../model.ts';
import type { Scene } from '../observe.ts';
import { leads } from '../route-fix.ts';
import { addressesOf, type Stack } from '../stack.ts';
import { isIp, lastSeen } from '../trace.ts';
import { meets, refusingRule, type Asked } from './refusing.ts';

/** What `ip route get` says where there is no way. */
export const REFUSED = /RTNETLINK|Error/;
const REFUSING: readonly string[] = ['blackhole', 'unreachable', 'prohibit'];

async function askRoute({
  source,
  destination,
  iif,
}: Pick<TracedPacket, 'source' | 'destination' | 'iif'>): Promise<NonNullable<Probe['unroutable']>> {
  const get = ['ip', 'route', 'get', destination, 'from', source, 'iif', iif] as const;
  return { iif, look: get, says: await firstLine(get) };
}

/** The second line is about the cache. */
const firstLine = async (argv: Argv): Promise<string> =>
  (await lookAt(argv)).trim().split('\n')[0]?.trim() ?? '';

/** With each mark that a rule asks for, if the plain packet has a route: the trace does not show marks. */
export async function askRoutes(packet: Asked, host: Stack): Promise<NonNullable<Probe['unroutable']>> {
  const plain = await askRoute(packet);
  const refused = refusingRule(host.rules, packet);
  if (refused !== undefined) return { ...plain, rule: refused };
  if (REFUSED.test(plain.says)) return { ...plain, ...(await whyRefused(packet, host)) };
  for (const { fwmark, priority } of host.rules) {
    if (fwmark === undefined) continue;
    const look: Argv = [...plain.look, 'mark', fwmark];
    const says = await firstLine(look);
    if (REFUSED.test(says)) return { ...plain, look, says, rule: { fwmark, priority } };
  }
  return plain;
}

async function whyRefused(
  packet: Asked,
  host: Stack,
): Promise<Pick<NonNullable<Probe['unroutable']>, 'decided' | 'reverse'>> {
  const found = await decidingRoute(packet, host);
  if (found !== undefined && REFUSING.includes(found.route.type ?? '') && found.route.table !== undefined)
    return { decided: inWords(found, host) };
  if (found === undefined || !isStrict(packet.iif)) return {};
  const reverse = await readRouteTo([], packet.source);
  return reverse === undefined || reverse.dev === packet.iif ? {} : { reverse: reverse.dev };
}

/** The same verdict, with the route of another table that refuses what the host sends or hands on. */
export async function nameRefusal(
  { host, hostRoute, client, final, journey }: Scene,
  verdict: Verdict,
): Promise<Verdict> {
  const { code, stage } = verdict.finding;
  const out = code === 'no-route' && stage === 'routing' && hostRoute === undefined;
  if (!out && code !== 'no-way-out') return verdict;
  const destination = out ? (final?.address ?? journey.asked.address) : client.client;
  const packet = { source: '', destination, iif: '', protocol: journey.protocol };
  const found = await decidingRoute(packet, host);
  if (found === undefined || !REFUSING.includes(found.route.type ?? '') || found.route.table === undefined)
    return verdict;
  const { text, fix } = inWords(found, host);
  const what = out ? `what is for ${destination}` : 'what goes to clients elsewhere';
  return { works: false, finding: { ...verdict.finding, text: `the host refuses ${what}, ${text}`, fix } };
}

interface Deciding {
  readonly rule: IpRule;
  readonly route: IpRoute;
}

/** As the kernel looks it up, for a packet without a mark. */
async function decidingRoute(packet: Asked, host: Stack): Promise<Deciding | undefined> {
  const [routes = []] = await askIp<[readonly IpRoute[]]>([], host.family, ['route show table all']);
  for (const rule of host.rules) {
    const applies = (rule.fwmark === undefined && meets(rule, packet)) !== 'not' in rule;
    if (!applies || rule.action !== undefined) continue;
    const [route] = routes
      .filter(({ table = 'main' }) => table === rule.table)
      .filter((one) => leads(one, packet.destination) && prefixOf(one) > (rule.suppress_prefixlen ?? -1))
      .sort((one, two) => prefixOf(two) - prefixOf(one) || (one.metric ?? 0) - (two.metric ?? 0));
    if (route !== undefined && route.type !== 'throw') return { rule, route };
  }
  return undefined;
}

function inWords(
  { rule, route }: Deciding,
  { family }: Stack,
): { readonly text: string; readonly fix: string } {
  const { type = '', dst, table = 'main' } = route;
  const text = `by the route ${type} ${dst} of the table ${table}, which the rule of ip rule with priority ${rule.priority} asks`;
  return { text, fix: `${ipCommand(family)} route del ${type} ${dst} table ${table}` };
}

/** The packet went up to the host's own programs, and its address is none of the host's: a route of the type local. */
export async function keptBy(
  scene: Scene,
  trace: readonly TraceEvent[],
  sourcePort: number,
): Promise<Finding | undefined> {
  const { host, journey } = scene;
  const last = lastSeen(trace, sourcePort, 'there');
  if (last === undefined || !isIp(last) || last.hook !== 'input' || last.kind !== 'leave') return undefined;
  const { destination, source, iif } = last.packet;
  if (isHosts(scene) || journey.published !== undefined || addressesOf(host).includes(destination))
    return undefined;
  const text = `the host keeps the packet for ${destination} as if it had that address`;
  const look: Argv = ['ip', 'route', 'get', destination, 'from', source, 'iif', iif];
  const found = await decidingRoute({ ...last.packet, protocol: journey.protocol }, host);
  if (found?.route.type !== 'local') {
    const fix =
      'Look for routes of the type local, and the rules about marks that ask for them: ip rule; ip route show table all.';
    return { ...bad('routing', 'kept', text, look), fix };
  }
  const by = inWords(found, host);
  return { ...bad('routing', 'kept', `${text}, ${by.text}`, look), fix: by.fix };
}
