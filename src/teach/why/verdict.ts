/**
 * The answer: the first point of the way at which something stops the packet. The probe has the last word on whether
 * it works, the trace on who dropped it, the walk on why; what the walk only suspects counts where nothing else does.
 */
import { bad } from './findings.ts';
import { STAGES, type Finding, type Probe, type TraceEvent, type Verdict } from './model.ts';
import type { Scene } from './observe.ts';
import { ownerOf } from './ruleset.ts';
import { dropIn, isAnswer, lastSeen, stageOf } from './trace.ts';
import { acceptFix } from './walk-filter.ts';

export function decide(scene: Scene, findings: readonly Finding[], probe: Probe | undefined): Verdict {
  const stops = findings.filter(({ status }) => status === 'stop');
  const reached = probe?.outcome === 'connected' || probe?.outcome === 'answered';
  if (probe !== undefined && reached && !answeredByAnother(scene, stops)) {
    return { works: true, finding: works(probe) };
  }
  const drop = probe?.trace === undefined ? undefined : dropIn(probe.trace);
  const dropped = drop === undefined || probe === undefined ? [] : [droppedBy(scene, drop, probe)];
  const vanished = probe?.outcome === 'silent' ? vanishedAt(scene, probe) : [];
  const suspects = inOrder(findings.filter(({ status }) => status === 'maybe'));
  const guesses = vanished.map((found): Finding => {
    const suspect = suspects.find(({ stage }) => stage === found.stage);
    return suspect === undefined ? found : { ...suspect, status: 'stop' };
  });
  // At the same point: what is known to have dropped it, then why it may have stopped, then that it did.
  const first = inOrder([...dropped, ...stops, ...guesses])[0];
  if (first !== undefined) return { works: false, finding: first };
  if (probe === undefined) {
    return { works: false, finding: bad('sender', 'not-sent', 'nothing could be sent to try it') };
  }
  const silent = probe.outcome === 'silent';
  const suspect = probe.trace === undefined ? suspects[0] : undefined;
  if (silent && suspect !== undefined) return { works: false, finding: { ...suspect, status: 'stop' } };
  if (silent && scene.journey.protocol === 'udp') return { works: true, finding: delivered(probe) };
  return { works: false, finding: unanswered(scene, probe) };
}

/**
 * minidock keeps a published port by listening on it. Without the redirection a client reaches that socket, which
 * nobody answers at: it connects, and nothing works.
 */
const answeredByAnother = ({ journey }: Scene, stops: readonly Finding[]): boolean =>
  journey.obstacle !== undefined ||
  (journey.published !== undefined && stops.some(({ stage }) => stage === 'redirection'));

const inOrder = (findings: readonly Finding[]): readonly Finding[] =>
  [...findings].sort((one, two) => STAGES.indexOf(one.stage) - STAGES.indexOf(two.stage));

const took = ({ milliseconds }: Probe): string => `${milliseconds.toFixed(1)} ms`;

const works = (probe: Probe): Finding => ({
  stage: 'way back',
  status: 'ok',
  code: 'works',
  text: `it works: ${probe.from} reached ${probe.to} in ${took(probe)}`,
});

const delivered = (probe: Probe): Finding => ({
  stage: 'socket',
  status: 'ok',
  code: 'delivered',
  text: `the datagram to ${probe.to} was not refused; no answer came, which the program there may not owe to an empty line`,
});

function droppedBy(scene: Scene, event: TraceEvent, probe: Probe): Finding {
  const { family, table, chain, rule, verdict } = event;
  const owner = ownerOf(scene.ruleset, family, table, chain);
  const how = rule === '' ? `by its policy, ${verdict}` : `by the rule: ${rule}`;
  const whose =
    owner === 'minidock' ? "minidock's" : owner === 'somebody else' ? "somebody else's" : `${owner}'s`;
  const way = isAnswer(event, probe.sourcePort) ? 'the answer' : 'the packet';
  return {
    ...bad(
      stageOf(event, probe.sourcePort),
      'dropped',
      `${whose} chain ${family} ${table} ${chain} dropped ${way}, ${how}`,
      [...['nft', 'list', 'chain', family, table, chain]],
    ),
    fix: fixFor(scene, event, owner),
  };
}

/** The hook that a packet came to and did not leave, or after which it came to no other, where no rule dropped it. */
function vanishedAt({ ruleset, forwarding }: Scene, probe: Probe): readonly Finding[] {
  const { trace = [], sourcePort, unroutable } = probe;
  const back = lastSeen(trace, sourcePort, 'back');
  const last = back ?? lastSeen(trace, sourcePort, 'there');
  if (last === undefined) return [];
  const stage = stageOf(last, sourcePort);
  const what = back === undefined ? 'the packet' : 'the answer';
  if (last.kind !== 'leave') {
    const legacy = ruleset.legacy !== '';
    const text =
      `${what} came to the ${last.hook} hook of ${last.family} and did not leave it, and nftables' trace names no rule` +
      (legacy ? ': the legacy iptables leaves no trace' : '');
    const look = legacy
      ? ['iptables-legacy-save', '-c']
      : ['nft', 'list', 'hooks', last.family === 'bridge' ? 'bridge' : 'ip'];
    const fix = legacy
      ? 'Accept it in the chain of that name before the rule that drops it.'
      : 'Look for what else hangs on that hook there.';
    return [{ ...bad(stage, 'vanished', text, look), fix }];
  }
  if (unroutable === undefined) return [];
  const text = `${what} passed prerouting, and the kernel routes it nowhere: ${unroutable.says}`;
  return [
    {
      ...bad('routing', 'unroutable', text, unroutable.look),
      fix: routingFix(unroutable.says, last.packet.iif, forwarding),
    },
  ];
}

/** The kernel's errno tells which of the checks of its input routing it was: `ip_route_input_slow`. */
function routingFix(says: string, iif: string, forwarding: boolean): string {
  if (says.includes('Invalid cross-device link')) {
    return `The reverse path filter: the answer would leave by another interface. echo 2 > /proc/sys/net/ipv4/conf/${iif}/rp_filter`;
  }
  if (!forwarding) return 'echo 1 > /proc/sys/net/ipv4/ip_forward';
  return 'Look at the routes of the host (ip rule; ip route show table all), and at its rp_filter.';
}

function fixFor(scene: Scene, event: TraceEvent, owner: ReturnType<typeof ownerOf>): string {
  if (event.hook === 'forward') return acceptFix(scene, owner, [event.family, event.table, event.chain]);
  return `Accept it there before that rule: nft -a list chain ${event.family} ${event.table} ${event.chain} shows its handle.`;
}

function unanswered({ journey }: Scene, probe: Probe): Finding {
  const look = ['bash', '-c', `exec 3<>/dev/${journey.protocol}/${probe.to.replace(':', '/')}`] as const;
  if (probe.deafRouter !== undefined && probe.outcome === 'silent') {
    const who = probe.deafRouter;
    return {
      ...bad(
        'way back',
        'no-neighbour',
        `the answer is to leave by the router ${who}, and nobody answers for that address`,
        ['ip', 'neigh', 'show', 'to', who],
      ),
      fix: 'Bring the router up. A client on the same network as the host does not need it.',
    };
  }
  if (probe.deaf !== undefined || probe.outcome === 'EHOSTUNREACH') {
    const who = probe.deaf ?? journey.asked.address;
    const text = `nobody answers for ${who} on its network: there is no such machine, or it is off`;
    return {
      ...bad('routing', 'no-neighbour', text, ['ip', 'neigh', 'show', 'to', who]),
      fix: 'Check the address, and that the machine or the router on the way to it is up.',
    };
  }
  switch (probe.outcome) {
    case 'ECONNREFUSED':
      return {
        ...bad(
          'socket',
          'refused',
          `${probe.to} refused the connection: nothing listens there, or a firewall of it rejects`,
          look,
        ),
        fix: 'Start the program there, or ask for the port it listens on.',
      };
    case 'ENETUNREACH':
      return {
        ...bad('routing', 'no-route', `there is no route to ${journey.asked.address}`, ['ip', 'route']),
        fix: 'Add a route, or a default route.',
      };
    case 'silent':
      return {
        ...bad(
          'way back',
          'no-answer',
          `nothing here stopped the packet, and no answer came: it is lost beyond this host, or dropped inside ${journey.to?.config.name ?? 'the other machine'}`,
          look,
        ),
        fix: 'Look at the firewall of the other side, and at its route back.',
      };
    default:
      return bad('sender', 'failed', `connect(2) failed with ${probe.outcome}`, look);
  }
}
