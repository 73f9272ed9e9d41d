/**
 * A list of addresses that no client should have (bogons, say) drops the stand-in for a client outside, which has one of
 * them (RFC 2544). That says nothing about the clients there are, so it is no cause, and the answer is to ask as one.
 */
import { bad } from '../findings.ts';
import type { Finding, TraceEvent } from '../model.ts';
import type { Scene } from '../observe.ts';
import { isAnswer, stageOf } from '../trace.ts';

/** Whether a rule names the stand-in's address, not others that are let through. */
export function dropsStandIn({ journey }: Scene, event: TraceEvent, sourcePort: number): boolean {
  if (journey.from.kind !== 'outside' || journey.source !== undefined) return false;
  return (isAnswer(event, sourcePort) ? /\bdaddr (?!!=)/ : /\bsaddr (?!!=)/).test(event.rule);
}

export function standInDropped(
  { journey: { asked, protocol } }: Scene,
  event: TraceEvent,
  sourcePort: number,
): Finding {
  const { family, table, chain, rule, packet } = event;
  const address = isAnswer(event, sourcePort) ? packet.destination : packet.source;
  const text =
    `nothing is known to be wrong, but the chain ${family} ${table} ${chain} drops the stand-in for a client, by the ` +
    `rule: ${rule}. It is about addresses, the stand-in has ${address}, and your clients have others`;
  const port = `${String(asked.port)}${protocol === 'udp' ? '/udp' : ''}`;
  return {
    ...bad(stageOf(event, sourcePort), 'stand-in-dropped', text, [
      'nft',
      'list',
      'chain',
      family,
      table,
      chain,
    ]),
    fix: `Ask with the address of a client: minidock why --from ADDRESS :${port}`,
  };
}
