/**
 * Why nobody answers ARP: a machine is silent, or something takes the question or its answer away. Each namespace on
 * the way is traced while the kernel asks once more: the flag `use` of ip-neighbour(8) makes it ask, and sends nothing
 * else.
 *
 * A bridge sends the question to all its ports. A drop at another machine's port is no cause.
 */
import type { Argv } from '../../../../runtime/plan/argv.ts';
import { renderArgv } from '../../../../runtime/plan/quote.ts';
import { readProgram } from '../../../../runtime/plan/read-program.ts';
import { isInstalled } from '../../../../runtime/plan/tools.ts';
import { inside, readRouteTo, type IpLink, type RouteTo } from '../../host/ip.ts';
import { lostArp, type ArpWay, type Asking } from './arp-lost.ts';
import { startArpTracing, type ArpEvent, type ArpTracing } from './arp-trace.ts';
import { deafNeighbour } from '../beyond.ts';
import { askingOf } from '../family.ts';
import { bad } from '../findings.ts';
import type { Finding, Stage } from '../model.ts';
import { readNamespaces } from '../namespaces.ts';
import type { Scene } from '../observe.ts';
import { addressesOf, readNetns, type Stack } from '../stack.ts';
import { hostEnd } from '../physical.ts';
import { within } from '../programs.ts';
import { ownerOf } from '../ruleset.ts';

/** The kernel asks once a second. */
const PATIENCE_MS = 1200;

/**
 * Of those who asked for a hardware address in vain, in the packet's order. 'answered' if the neighbour answers now: the
 * packet had joined a lookup that began before, and shared its failure.
 */
export async function firstArpLoss(
  scene: Scene,
  { deaf, deafRouter, deafToSender }: Readonly<Record<'deaf' | 'deafRouter' | 'deafToSender', string>>,
): Promise<Finding | 'answered' | undefined> {
  const { host, hostRoute, clientRoute, sender, senderRoute, receiver, backRoute, clientAddress } = scene;
  const ask = async (
    stage: Stage,
    asker: Stack | undefined,
    route: RouteTo | undefined,
    next: string,
  ): Promise<Finding | 'answered' | undefined> =>
    asker === undefined || route === undefined || next === ''
      ? undefined
      : arpLoss(scene, { stage, asker, route, next });
  const source = senderRoute?.prefsrc ?? '';
  const routeToSender = source === '' ? undefined : await readRouteTo([], source);
  return (
    (await ask('sender', sender, senderRoute, deafToSender)) ??
    (await ask('bridge', host, hostRoute, deaf)) ??
    (await ask(
      'way back',
      receiver,
      backRoute,
      receiver === undefined ? '' : await deafNeighbour(backRoute, clientAddress, receiver.enter),
    )) ??
    (await ask('way back', host, routeToSender, await deafNeighbour(routeToSender, source))) ??
    ask('way back', host, clientRoute, deafRouter)
  );
}

/** undefined where nothing takes it, or where that cannot be seen. */
async function arpLoss(scene: Scene, asking: Asking): Promise<Finding | 'answered' | undefined> {
  if (!isInstalled('nft')) return undefined;
  const { asker, route, next } = asking;
  const { host } = scene;
  const owner = await ownerOfAddress(scene, next);
  const link = asker.interfaces.find(({ ifname }) => ifname === route.dev);
  const ownerLink = owner?.interfaces.find(({ ifname }) => addressesOf(owner, ifname).includes(next));
  const way: ArpWay = {
    asker: { stack: asker, link, end: asker === host ? undefined : hostEnd(link, host) },
    owner:
      owner === undefined
        ? undefined
        : { stack: owner, link: ownerLink, end: owner === host ? undefined : hostEnd(ownerLink, host) },
    host,
  };
  if (!isOneNetwork(way, route.dev)) return undefined;
  const traced = new Map<Stack, ArpTracing>();
  try {
    for (const stack of new Set([asker, host, ...(owner === undefined ? [] : [owner])])) {
      traced.set(stack, await startArpTracing(stack.enter, next, devicesIn(way, stack)));
    }
    await readProgram(inside(asker.enter, ['ip', 'neigh', 'replace', next, 'dev', route.dev, 'use']));
    const seen = (): readonly (readonly [Stack, ArpEvent])[] =>
      [...traced].flatMap(([stack, { events }]) => events().map((event) => [stack, event] as const));
    const drop = (): readonly [Stack, ArpEvent] | undefined =>
      seen().find(([stack, event]) => event.verdict === 'drop' && isOnWay(way, stack, event));
    await within(PATIENCE_MS, () => drop() !== undefined);
    // On a busy machine the question itself may be late.
    if (seen().length === 0) await within(2 * PATIENCE_MS, () => drop() !== undefined);
    const found = drop();
    if (found !== undefined) return dropped(scene, asking, ...found);
    const lost = await lostArp(way, asking, seen());
    if (lost !== undefined || seen().length === 0) return lost;
    return (await deafNeighbour(route, next, asker.enter)) === '' ? 'answered' : undefined;
  } finally {
    // A client of the next seconds would wait for the same lookup, and get its failure.
    await readProgram(inside(asker.enter, ['ip', 'neigh', 'del', next, 'dev', route.dev]));
    await Promise.all([...traced.values()].map((one) => one.end()));
  }
}

/** Where the question goes to another network than its owner's, a route is wrong, and no ARP is lost. */
function isOneNetwork({ asker, owner, host }: ArpWay, dev: string): boolean {
  if (owner?.end === undefined) return true;
  const home = owner.end.master ?? owner.end.ifname;
  return home === (asker.stack === host ? dev : (asker.end?.master ?? home));
}

function devicesIn({ asker, owner, host }: ArpWay, stack: Stack): readonly string[] {
  const links = [asker, owner].flatMap((one): readonly (IpLink | undefined)[] =>
    one === undefined
      ? []
      : [one.stack === stack ? one.link : undefined, stack === host ? one.end : undefined],
  );
  return [...new Set(links.flatMap((link) => link?.ifname ?? []))];
}

/** Of the question's copies, only the one to its owner counts. */
function isOnWay({ asker, owner, host }: ArpWay, stack: Stack, { family, hook, oif }: ArpEvent): boolean {
  if (stack !== host || family !== 'bridge') return true;
  if (hook === 'input') return [asker.stack, owner?.stack].includes(host);
  if (oif === '' || owner === undefined) return true;
  return [asker.end?.ifname, owner.end?.ifname].includes(oif);
}

async function ownerOfAddress(
  { host, sender, receiver }: Scene,
  address: string,
): Promise<Stack | undefined> {
  const known = [sender, receiver, host].find(
    (stack) => stack !== undefined && addressesOf(stack).includes(address),
  );
  if (known !== undefined) return known;
  const named = (await readNamespaces()).find(({ addresses }) => addresses.includes(address));
  return named === undefined ? undefined : readNetns(named, host.family);
}

function dropped(scene: Scene, { stage, next }: Asking, stack: Stack, event: ArpEvent): Finding {
  const { family, table, chain, rule } = event;
  const how = rule === '' ? 'by its policy, drop' : `by the rule: ${rule}`;
  const owner = stack === scene.host ? ownerOf(scene.ruleset, family, table, chain) : 'somebody else';
  const text = `${owner === 'somebody else' ? "somebody else's" : `${owner}'s`} chain ${family} ${table} ${chain} in ${stack.name} drops the ${askingOf(stack.family)} about ${next}, ${how}`;
  const kinds =
    stack.family === 6
      ? 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept'
      : 'arp operation { request, reply } accept';
  // A rule about a machine drops more of it than the questions for its address.
  const [machine] = /\bether [sd]addr [0-9a-f:]{17}/.exec(rule) ?? [];
  const words = machine === undefined ? kinds : `${machine} accept`;
  const accept = ['nft', 'insert', 'rule', family, table, chain, words];
  return {
    ...bad(stage, 'arp-dropped', text, inside(stack.enter, ['nft', 'list', 'chain', family, table, chain])),
    fix: renderArgv([...stack.enter, ...accept] as unknown as Argv),
  };
}
