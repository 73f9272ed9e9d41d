/**
 * A packet of IPv4 with no hop left: a router forwards nothing whose TTL is 1 (ip(7)), and no rule shows that drop. Either
 * the machine that sent the packet gave it so few hops, or a rule did.
 */
import type { Argv } from '../../../runtime/plan/argv.ts';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import { lookAt } from '../../../runtime/plan/read-program.ts';
import { bad } from './findings.ts';
import type { Finding, TraceEvent } from './model.ts';
import type { Scene } from './observe.ts';
import { addressesOf, inStack } from './stack.ts';
import { removalOf } from './rules/removal.ts';
import { isAnswer, lastSeen } from './trace.ts';

const SETTING = 'net.ipv4.ip_default_ttl';
const BY_TTL = { saved: / -j TTL /, json: '"field":"ttl"' };
const SETS = /\bttl set\b|\bTTL\b/;

/** undefined where that is not why. */
export async function ttlExpired(
  scene: Scene,
  trace: readonly TraceEvent[],
  sourcePort: number,
): Promise<Finding | undefined> {
  if (scene.journey.family === 6) return undefined;
  const last = lastSeen(trace, sourcePort, 'back') ?? lastSeen(trace, sourcePort, 'there');
  if (last?.kind !== 'leave' || last.packet.ttl > 1 || !isToBeForwarded(scene, last)) return undefined;
  const back = isAnswer(last, sourcePort);
  const what = back ? 'the answer' : 'the packet';
  const stage = back ? 'way back' : 'routing';
  const had = `${what} may pass no further router: its TTL is ${last.packet.ttl}`;
  const rule = trace.findLast((event) => isAnswer(event, sourcePort) === back && SETS.test(event.rule));
  if (rule !== undefined) {
    const { family, table, chain } = rule;
    const text = `${had}, by the rule: ${rule.rule}, of ${family} ${table} ${chain}`;
    const look: Argv = ['nft', '-a', 'list', 'chain', family, table, chain];
    return { ...bad(stage, 'ttl', text, look), fix: removalOf(scene.ruleset, rule, BY_TTL) };
  }
  const stack = back ? scene.receiver : (scene.sender ?? scene.host);
  const first = trace.find((event) => isAnswer(event, sourcePort) === back)?.packet.ttl;
  const look = inStack(stack ?? scene.host, ['sysctl', '-n', SETTING]);
  if (stack === undefined || (!back && scene.journey.from.kind === 'outside')) {
    const text = `${had}, as it came from ${last.packet.source}`;
    return { ...bad(stage, 'ttl', text, look), fix: `Look at ${SETTING} of that machine.` };
  }
  const own = Number(await lookAt(look));
  const text =
    own <= 2
      ? `${had}, since ${stack.name} sends all its packets with a TTL of ${own} (${SETTING})`
      : `${had}, and it came so from ${stack.name} (${first ?? 'no'} left), whose ${SETTING} is ${own}: a rule in there, or the program's own socket, sets it`;
  const fix =
    own <= 2
      ? inStack(stack, ['sysctl', '-w', `${SETTING}=64`]).join(' ')
      : `Look at the rules there: ${renderArgv(inStack(stack, ['nft', 'list', 'ruleset']))}`;
  return { ...bad(stage, 'ttl', text, look), fix };
}

/** Behind prerouting the host decides whether to forward; behind postrouting the next router does. */
function isToBeForwarded({ host, hostRoute }: Scene, { family, hook, packet }: TraceEvent): boolean {
  if (addressesOf(host).includes(packet.destination)) return false;
  if (hook === 'prerouting') return family === 'ip';
  if (hook === 'input') return family === 'bridge';
  return (
    hook === 'postrouting' &&
    family === 'ip' &&
    hostRoute?.gateway !== undefined &&
    packet.oif === hostRoute.dev
  );
}
