/**
 * nftables' own trace of one packet, read from `nft monitor trace`: each rule that matched and each policy, at every
 * base chain on its way, in all tables. The last line of a dropped packet's trace names the drop.
 */
import type { Stage, TracedPacket, TraceEvent } from './model.ts';
import type { NftChain } from '../host/published.ts';

/** Our own rules switch the trace on; they only show that the packet came by. */
export function parseTrace(
  text: string,
  sourcePort: number,
  chains: readonly NftChain[],
  ownTable: string,
): readonly TraceEvent[] {
  const events: TraceEvent[] = [];
  const at = new Map<
    string,
    { readonly packet: TracedPacket; readonly base: string; readonly hook: string }
  >();
  const isOurs = (packet: TracedPacket): boolean =>
    packet.sourcePort === sourcePort || packet.destinationPort === sourcePort;
  for (const line of text.split('\n')) {
    const match = /^trace id (\w+) (\S+) (\S+) (\S+) (packet:|rule|policy|unknown) ?(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const [, id = '', family = '', table = '', chain = '', kind, rest = ''] = match;
    if (kind === 'packet:') {
      const read = parsePacket(rest);
      // An egress hook reports only the interface; the packet is the current one.
      const before = read.source === '' ? events.at(-1)?.packet : undefined;
      const packet = before === undefined ? read : { ...before, iif: '', oif: read.oif };
      const [, own, ownHook = ''] =
        (table.startsWith(ownTable) && /^(enter|leave)_([a-z]+)/.exec(chain)) || [];
      if (own !== undefined) {
        const nothing = { table: '', chain: '', base: '', rule: '', verdict: '' };
        const event = { kind: own as 'enter' | 'leave', id, family, hook: ownHook, packet, ...nothing };
        if (isOurs(packet)) events.push(event);
        continue;
      }
      const known = chains.find(
        (other) => other.family === family && other.table === table && other.name === chain,
      );
      at.set(id, { packet, base: chain, hook: known?.hook ?? '' });
      continue;
    }
    const place = at.get(id);
    if (place === undefined || table.startsWith(ownTable) || !isOurs(place.packet)) continue;
    events.push({ id, family, table, chain, ...parseRule(kind ?? '', rest), ...place });
  }
  return events;
}

/** '... rule ct state established accept (verdict accept)', '... policy drop'. */
function parseRule(kind: string, rest: string): Pick<TraceEvent, 'kind' | 'rule' | 'verdict'> {
  if (kind === 'policy') return { kind, rule: '', verdict: rest };
  const match = /^(.*?) ?\(verdict ([^()]*)\)$/.exec(rest);
  // The counters that iptables puts into each of its rules.
  const rule = (match?.[1] ?? rest).replace(/\bcounter packets \d+ bytes \d+ ?/, '').trim();
  return { kind: 'rule', rule: rule === '' ? 'every packet' : rule, verdict: match?.[2] ?? '' };
}

function parsePacket(text: string): TracedPacket {
  const value = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';
  return {
    source: value(/\bip6? saddr (\S+)/),
    destination: value(/\bip6? daddr (\S+)/),
    sourcePort: Number(value(/\b(?:tcp|udp) sport (\d+)/)),
    destinationPort: Number(value(/\b(?:tcp|udp) dport (\d+)/)),
    iif: value(/\biif "([^"]+)"/),
    oif: value(/\boif "([^"]+)"/),
    ttl: Number(value(/\bip ttl (\d+)/) || 64),
    // Of IPv6 that is the payload's.
    length: Number(value(/\bip length (\d+)/)) || ipv6Length(Number(value(/\bip6 length (\d+)/))),
  };
}

const ipv6Length = (payload: number): number => (payload === 0 ? 0 : payload + 40);

/** At a hook of the host itself, not of a bridge or an interface. */
export const isIp = ({ family }: TraceEvent): boolean => family === 'ip' || family === 'ip6';

/** The first line that drops the packet; a reject has that verdict too. */
export const dropIn = (events: readonly TraceEvent[]): TraceEvent | undefined =>
  events.find(({ verdict }) => verdict === 'drop');

export const isAnswer = ({ packet }: TraceEvent, sourcePort: number): boolean =>
  packet.destinationPort === sourcePort;

/**
 * Where the first packet of that direction was last seen; when it enters a hook again, it is a retransmission.
 * undefined if it was never seen.
 */
export function lastSeen(
  events: readonly TraceEvent[],
  sourcePort: number,
  direction: 'there' | 'back',
): TraceEvent | undefined {
  const entered = new Set<string>();
  let last: TraceEvent | undefined;
  for (const event of events) {
    if (isAnswer(event, sourcePort) !== (direction === 'back')) continue;
    const key = `${event.family} ${event.hook}`;
    if (event.kind === 'enter' && entered.has(key)) break;
    if (event.kind === 'enter') entered.add(key);
    last = event;
  }
  return last;
}

const STAGE_OF_HOOK: Readonly<Record<string, Stage>> = {
  ingress: 'prerouting',
  output: 'sender',
  prerouting: 'prerouting',
  input: 'socket',
  forward: 'forward',
  postrouting: 'bridge',
  egress: 'cable',
};

export function stageOf(event: TraceEvent, sourcePort: number): Stage {
  return isAnswer(event, sourcePort) ? 'way back' : (STAGE_OF_HOOK[event.hook] ?? 'forward');
}
