/**
 * The answer to one question: the scene is observed, a packet is sent, the way is walked, and the verdict is reached. A
 * port that is relayed is answered for in two parts: up to the host's socket, and from there to the container.
 */
import type { Journey, Verdict } from './model.ts';
import { observe, withNeighbours } from './observe.ts';
import type { Host } from './stack.ts';
import { probe } from './probe.ts';
import type { Answer } from './render.ts';
import { nameRefusal } from './rules/ask-routes.ts';
import { nameInside } from './rules/inside.ts';
import { decide } from './verdict.ts';
import { walk } from './walk/walk.ts';

/** undefined if the signal came. */
export async function answerFor(
  journey: Journey,
  host: Host,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const scene = await observe(journey, await host.stack(journey.family));
  const tried = await probe(scene, signal);
  // The neighbour answers now, so that try says nothing about this network: once more, with a lookup of its own.
  const sent = tried?.joined === true && !signal.aborted ? await probe(scene, signal) : tried;
  if (signal.aborted) return undefined;
  // A try fills the neighbour tables.
  const findings = walk(await withNeighbours(scene));
  const decided = nameInside(decide(scene, findings, sent), sent?.inside);
  const first: Answer = { scene, findings, probe: sent, verdict: await nameRefusal(scene, decided) };
  // What does not get to the socket is not passed on.
  const arrived = journey.protocol === 'udp' ? first.verdict.works : sent?.outcome === 'connected';
  if (journey.relay === undefined || !arrived) return first;
  const second = await answerFor(journey.relay, host, signal);
  return second === undefined
    ? undefined
    : { ...first, relayed: second, verdict: verdictOfBoth(first.verdict, second.verdict) };
}

/** The relay closes what it cannot pass on, so the fault of the second part shows in the first one too. */
const verdictOfBoth = (first: Verdict, second: Verdict): Verdict => (second.works ? first : second);
