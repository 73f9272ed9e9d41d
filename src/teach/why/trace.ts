/**
 * nftables' own trace of one packet, read from `nft monitor trace`: each rule that matched and each policy, at every
 * base chain on its way, whoever's table it is. What drops a packet is the last line of its trace.
 */
import type { Stage, TracedPacket, TraceEvent } from './model.ts';
import type { Chain } from './ruleset.ts';

/** Lines of our own table are left out: they are what switches the trace on. */
export function parseTrace(
  text: string,
  sourcePort: number,
  chains: readonly Chain[],
  ownTable: string,
): readonly TraceEvent[] {
  const events: TraceEvent[] = [];
  const at = new Map<
    string,
    { readonly packet: TracedPacket; readonly base: string; readonly hook: string }
  >();
  for (const line of text.split('\n')) {
    const match = /^trace id (\w+) (\S+) (\S+) (\S+) (packet:|rule|policy|unknown) ?(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const [, id = '', family = '', table = '', chain = '', kind, rest = ''] = match;
    if (kind === 'packet:') {
      const known = chains.find(
        (other) => other.family === family && other.table === table && other.name === chain,
      );
      at.set(id, { packet: parsePacket(rest), base: chain, hook: known?.hook ?? '' });
      continue;
    }
    const place = at.get(id);
    if (place === undefined || table === ownTable) continue;
    const { packet } = place;
    if (packet.sourcePort !== sourcePort && packet.destinationPort !== sourcePort) continue;
    events.push({ id, family, table, chain, ...parseRule(kind ?? '', rest), ...place });
  }
  return events;
}

/** '... rule ct state established accept (verdict accept)', '... policy drop'. */
function parseRule(kind: string, rest: string): { readonly rule: string; readonly verdict: string } {
  if (kind === 'policy') return { rule: '', verdict: rest };
  const match = /^(.*?) ?\(verdict ([^()]*)\)$/.exec(rest);
  // What iptables puts into each of its rules, as they stood when nft began to look.
  const rule = (match?.[1] ?? rest).replace(/\bcounter packets \d+ bytes \d+ ?/, '').trim();
  return { rule: rule === '' ? 'every packet' : rule, verdict: match?.[2] ?? '' };
}

function parsePacket(text: string): TracedPacket {
  const value = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';
  return {
    source: value(/\bip saddr (\S+)/),
    destination: value(/\bip daddr (\S+)/),
    sourcePort: Number(value(/\b(?:tcp|udp) sport (\d+)/)),
    destinationPort: Number(value(/\b(?:tcp|udp) dport (\d+)/)),
    iif: value(/\biif "([^"]+)"/),
    oif: value(/\boif "([^"]+)"/),
  };
}

/** The first line that ends a packet's way. */
export const dropIn = (events: readonly TraceEvent[]): TraceEvent | undefined =>
  events.find(({ verdict, rule }) => verdict === 'drop' || /\breject\b/.test(rule));

export const isAnswer = ({ packet }: TraceEvent, sourcePort: number): boolean =>
  packet.destinationPort === sourcePort;

const STAGE_OF_HOOK: Readonly<Record<string, Stage>> = {
  output: 'sender',
  prerouting: 'prerouting',
  input: 'socket',
  forward: 'forward',
  postrouting: 'bridge',
};

export function stageOf(event: TraceEvent, sourcePort: number): Stage {
  return isAnswer(event, sourcePort) ? 'way back' : (STAGE_OF_HOOK[event.hook] ?? 'forward');
}
