/**
 * The narrowest exception to somebody's rule: for this service, and for this client where the question names one. What
 * the rule is there for (a list of those who may come in, say) stays as it is for all others.
 *
 * The answer needs a rule of its own where it passes the same chain and nothing there accepts established connections.
 */
import type { Argv } from '../../../../runtime/plan/argv.ts';
import { renderArgv } from '../../../../runtime/plan/quote.ts';
import { iptablesOf, nftFamily } from '../family.ts';
import type { TraceEvent } from '../model.ts';
import type { Scene } from '../observe.ts';
import type { Ruleset, Target } from '../ruleset.ts';
import { isAnswer } from '../trace.ts';

export interface ChainPlace {
  /** Of nftables; 'iptables-legacy' or 'ip6tables-legacy' for the tables that nft does not show. */
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly hook: string;
}

interface Wanted {
  readonly service: Target;
  /** '' for any. */
  readonly client: string;
}

/** Hooks that both directions of a connection pass, at one machine. */
const BOTH_WAYS: readonly string[] = ['prerouting', 'forward', 'postrouting'];
/** Before it, a packet belongs to no connection yet (the priority of conntrack). */
const CONNTRACK = -200;

/** For the packet of that line of the trace. */
export function exceptionFor(scene: Scene, event: TraceEvent, sourcePort: number): string {
  const { source, destination, destinationPort } = event.packet;
  const back = isAnswer(event, sourcePort);
  const service = back
    ? { address: source, port: event.packet.sourcePort }
    : { address: destination, port: destinationPort };
  const client = isNamed(scene) ? (back ? destination : source) : '';
  return back
    ? type(scene, event, { service, client }, 'back')
    : exception(scene, event, { service, client }, event.rule);
}

/** For the packet as it should be in a chain of the hook forward. */
export function forwardException(scene: Scene, family: string, table: string, chain: string): string {
  const { final, journey, clientAddress } = scene;
  const service = final ?? journey.asked;
  const client = isNamed(scene) ? clientAddress : '';
  return exception(scene, { family, table, chain, hook: 'forward' }, { service, client });
}

/** `rule`: what dropped it. One about that port on the way there does not meet the answer. */
function exception(scene: Scene, place: ChainPlace, wanted: Wanted, rule = ''): string {
  const there = type(scene, place, wanted, 'there');
  if (/\bdport\b/.test(rule)) return there;
  if (!BOTH_WAYS.includes(place.hook) || acceptsEstablished(scene.ruleset, place)) return there;
  const service = scene.final ?? wanted.service;
  return `${there} && ${type(scene, place, { ...wanted, service }, 'back')}`;
}

/** A stand-in for any client has no address worth an exception. */
const isNamed = ({ journey: { from, source } }: Scene): boolean =>
  from.kind !== 'outside' || source !== undefined;

function type(scene: Scene, place: ChainPlace, { service, client }: Wanted, way: 'there' | 'back'): string {
  const { ruleset, journey } = scene;
  const { family, table, chain } = place;
  const who = client === '' && filtersBySource(ruleset, place) ? 'ADDRESS-OF-THE-CLIENT' : client;
  const [near, far] = way === 'there' ? ['s', 'd'] : ['d', 's'];
  const follows = way === 'back' && knowsConnections(ruleset, place);
  if (isIptables(ruleset, place)) {
    const program = family.endsWith('-legacy') ? family : iptablesOf(journey.family);
    return renderArgv([
      ...([program, ...(table === 'filter' ? [] : ['-t', table]), '-I', chain] as const),
      ...inOrder(way, who === '' ? [] : [`-${near}`, who], [`-${far}`, service.address]),
      ...['-p', journey.protocol, `--${far}port`, String(service.port)],
      ...(follows ? ['-m', 'conntrack', '--ctstate', 'ESTABLISHED'] : []),
      ...['-j', 'ACCEPT'],
    ] as unknown as Argv);
  }
  const ip = nftFamily(journey.family);
  return renderArgv([
    ...(['nft', 'insert', 'rule', family, table, chain] as const),
    ...inOrder(way, who === '' ? [] : [ip, `${near}addr`, who], [ip, `${far}addr`, service.address]),
    ...[journey.protocol, `${far}port`, String(service.port)],
    ...(follows ? ['ct', 'state', 'established'] : []),
    'accept',
  ]);
}

/** The source first. */
const inOrder = (
  way: 'there' | 'back',
  client: readonly string[],
  service: readonly string[],
): readonly string[] => (way === 'there' ? [...client, ...service] : [...service, ...client]);

function knowsConnections(ruleset: Ruleset, { family, table, chain }: ChainPlace): boolean {
  if (family.endsWith('-legacy')) return table !== 'raw';
  if (family === 'bridge' || family === 'netdev') return false;
  const found = ruleset.entries.find(
    (entry) => entry.chain?.family === family && entry.chain.table === table && entry.chain.name === chain,
  );
  return (found?.chain?.prio ?? 0) > CONNTRACK;
}

/** The lines of iptables-save about that chain; empty if it is no chain of iptables. */
function savedRules(ruleset: Ruleset, { family, table, chain }: ChainPlace): readonly string[] {
  const isOwn = family === nftFamily(ruleset.family);
  const saved = family.endsWith('-legacy') ? ruleset.legacy : isOwn ? ruleset.iptables : '';
  const section = saved.split(/^\*/m).find((text) => text.startsWith(`${table}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith(`:${chain} `) || line.startsWith(`-A ${chain} `));
}

const isIptables = (ruleset: Ruleset, place: ChainPlace): boolean =>
  place.family.endsWith('-legacy') || savedRules(ruleset, place).length > 0;

const rulesOf = ({ entries }: Ruleset, { family, table, chain }: ChainPlace): readonly string[] =>
  entries.flatMap(({ rule }) =>
    rule?.family === family && rule.table === table && rule.chain === chain
      ? [JSON.stringify(rule.expr)]
      : [],
  );

const acceptsEstablished = (ruleset: Ruleset, place: ChainPlace): boolean =>
  savedRules(ruleset, place).some((line) => /ESTABLISHED.* -j ACCEPT/.test(line)) ||
  rulesOf(ruleset, place).some((rule) => rule.includes('"established"') && rule.includes('{"accept":null}'));

const filtersBySource = (ruleset: Ruleset, place: ChainPlace): boolean =>
  savedRules(ruleset, place).some((line) => / -s /.test(line)) ||
  rulesOf(ruleset, place).some((rule) => rule.includes('"field":"saddr"'));
