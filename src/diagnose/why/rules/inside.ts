/**
 * A rule in the network namespace of one of the two ends: nothing on this host shows it, so the packet is sent once more
 * while those namespaces are traced.
 */
import { closeSync, writeSync } from 'node:fs';
import { clientSocket, startConnecting } from '../../../../runtime/syscall/sockets.ts';
import { bad } from '../findings.ts';
import type { Finding, Probe, TraceEvent, Verdict } from '../model.ts';
import { inNamespace } from '../namespaces.ts';
import type { Scene } from '../observe.ts';
import { within } from '../programs.ts';
import { chainsOf, readRuleset, type Ruleset } from '../ruleset.ts';
import { inStack, type Stack } from '../stack.ts';
import { dropIn, isAnswer, parseTrace } from '../trace.ts';
import { startTracing } from '../tracing.ts';
import { exceptionFor } from './exception.ts';

const PATIENCE_MS = 1000;

/** Verdicts that only guess at such a rule. */
const GUESSES: readonly string[] = [
  'no-answer',
  'rejected',
  'vanished',
  'own-filter',
  'refused',
  'delivered',
  'failed',
];

const SURE: Readonly<Record<string, string>> = { delivered: 'no-answer', failed: 'own-filter' };

export interface InsideDrop {
  readonly stack: Stack;
  readonly ruleset: Ruleset;
  readonly drop: TraceEvent;
  readonly clientPort: number;
}

/** What dropped it, and the narrowest exception, typed into that namespace. */
export function insideFinding(
  scene: Scene,
  { stack, ruleset, drop, clientPort }: InsideDrop,
  more = '',
): Finding {
  const place = [drop.family, drop.table, drop.chain] as const;
  const back = isAnswer(drop, clientPort);
  const how = drop.rule === '' ? 'by its policy, drop' : `by the rule: ${drop.rule}`;
  const does = /\breject\b/i.test(drop.rule) ? 'rejects' : 'drops';
  const text = `the chain ${place.join(' ')} in ${stack.name} ${does} ${back ? 'the answer' : 'the packet'}, ${how}${more}`;
  const fix = exceptionFor({ ...scene, ruleset }, drop, clientPort)
    .split(' && ')
    .map((command) => [...stack.enter, command].join(' '))
    .join(' && ');
  const stage = stack === scene.sender ? 'sender' : 'interface';
  const show = inStack(stack, ['nft', 'list', 'chain', ...place]);
  return { ...bad(back ? 'way back' : stage, 'dropped', text, show), fix };
}

/** @param netns the client's; undefined for the host's */
export async function dropInside(
  scene: Scene,
  { netns, address }: { readonly netns: string | undefined; readonly address: string },
): Promise<Finding | undefined> {
  const { journey, final } = scene;
  const ends = [scene.sender, scene.receiver].flatMap((stack) => stack ?? []);
  const read = await Promise.all(
    ends.map(async (stack) => ({ stack, ruleset: await readRuleset(journey.family, stack.enter) })),
  );
  const places = read.filter(({ ruleset }) => chainsOf(ruleset).some(({ hook }) => hook !== undefined));
  if (places.length === 0) return undefined;
  const own = journey.family === 6 ? '::' : '0.0.0.0';
  const { fd, port } = inNamespace(netns, () => clientSocket(journey.protocol, own));
  const ports = [...new Set([journey.asked.port, final?.port ?? journey.asked.port])];
  const tracings = await Promise.all(
    places.map(({ stack }) => startTracing(journey, port, ports, [], stack.enter)),
  );
  const found = (): InsideDrop | undefined => {
    for (const [index, { stack, ruleset }] of places.entries()) {
      const { table = '', output = () => '' } = tracings[index] ?? {};
      const drop = dropIn(parseTrace(output(), port, chainsOf(ruleset), table));
      if (drop !== undefined) return { stack, ruleset, drop, clientPort: port };
    }
    return undefined;
  };
  try {
    try {
      startConnecting(fd, address, journey.asked.port);
      if (journey.protocol === 'udp') writeSync(fd, '\n');
    } catch {
      // Its own filter refuses it at once.
    }
    await within(PATIENCE_MS, () => found() !== undefined);
    const drop = found();
    return drop === undefined ? undefined : insideFinding(scene, drop);
  } finally {
    closeSync(fd);
    await Promise.all(tracings.map((one) => one.end()));
  }
}

/** The same verdict, with the rule that it guesses at. */
export function nameInside(verdict: Verdict, inside: Probe['inside']): Verdict {
  const { finding } = verdict;
  if (inside === undefined || !GUESSES.includes(finding.code)) return verdict;
  const sure = SURE[finding.code];
  if (sure !== undefined) return { works: false, finding: { ...inside, code: sure } };
  return { works: false, finding: { ...finding, text: inside.text, fix: inside.fix ?? '' } };
}
