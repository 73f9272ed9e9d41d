/**
 * The answer: the first point that stops the packet. The probe decides whether it works, the trace who dropped it,
 * the walk why. Suspicions of the walk count only without other evidence.
 */
import type { Argv } from '../../../runtime/plan/argv.ts';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import { askingOf } from './family.ts';
import { bad } from './findings.ts';
import { STAGES, type Finding, type Probe, type TraceEvent, type Verdict } from './model.ts';
import type { Scene } from './observe.ts';
import { inStack } from './stack.ts';
import { ownerOf } from './ruleset.ts';
import { leftBy, lostBeyond } from './beyond.ts';
import { ledAway, lostAt, strayed } from './lost.ts';
import { isOwn } from './kinds.ts';
import { refusedHere } from './rules/refusing.ts';
import { removalOf } from './rules/removal.ts';
import { dropsStandIn, standInDropped } from './rules/stand-in.ts';
import { isCause } from './physical.ts';
import { deafProgram, fullBacklog, serviceFault, unheard } from './service.ts';
import { lostLarge } from './size/large.ts';
import { endedHere } from './twins.ts';
import { dropIn, isAnswer, stageOf } from './trace.ts';
import { exceptionFor } from './rules/exception.ts';
import { acceptFix } from './walk/walk-filter.ts';
import { namelessly } from './walk/walk-names.ts';

export function decide(scene: Scene, findings: readonly Finding[], probe: Probe | undefined): Verdict {
  const stops = findings.filter(({ status }) => status === 'stop');
  const reached = probe?.outcome === 'connected' || probe?.outcome === 'answered';
  const astray = probe === undefined ? [] : strayed(scene, probe);
  const another = answeredByAnother(scene, stops) || (probe !== undefined && endedHere(scene, probe));
  const relayed = probe !== undefined && relayedInstead(scene, probe);
  if (probe !== undefined && reached && (relayed || (astray.length === 0 && !another))) {
    // The kernel makes a connection with small packets: that does not prove that data passes.
    const fault =
      stops.find(({ code }) => UNSEEN.includes(code)) ??
      largeFault(scene, probe) ??
      usable(scene, probe) ??
      probe.narrow;
    return fault === undefined
      ? { works: true, finding: works(scene, probe) }
      : { works: false, finding: fault };
  }
  const away = probe === undefined ? undefined : ledAway(scene, probe);
  const drop = probe?.trace === undefined ? undefined : dropIn(probe.trace);
  const dropped = drop === undefined || probe === undefined ? [] : [droppedBy(scene, drop, probe)];
  const standIn = probe !== undefined && drop !== undefined && dropsStandIn(scene, drop, probe.sourcePort);
  // The kernel answers no question that comes from where it would not route to, and says why.
  const unheard = probe?.arp?.code === 'arp-unanswered' && probe.unroutable !== undefined;
  const lostArp = probe?.arp?.code === 'arp-vanished' ? (probe.held ?? probe.arp) : probe?.arp;
  const arp = lostArp === undefined || unheard ? [] : [lostArp];
  // What output redirects is routed anew: a wrong route to its new destination is why it does not leave that hook.
  const misrouted = scene.journey.from.kind === 'host' && stops.some(({ code }) => code === 'no-route');
  const lost =
    probe === undefined || reached
      ? []
      : lostAt(scene, probe).filter(({ stage }) => !(misrouted && stage === 'sender'));
  const beyond =
    probe === undefined || reached || probe.outcome === 'ECONNREFUSED' ? [] : lostBeyond(scene, probe);
  const suspects = inOrder(findings.filter(({ status }) => status === 'maybe'));
  const guesses = lost.map((found): Finding => {
    const suspect = suspects.find(({ stage }) => stage === found.stage);
    return suspect === undefined ? found : { ...suspect, status: 'stop' };
  });
  // At the same point: the known drop, then the possible cause, then the bare fact. A refusal proves that the packet
  // arrived.
  const heard = probe?.outcome === 'ECONNREFUSED' ? HEARD : [];
  // Who was asked may see another address than the client's: a rule translated it.
  const seenBeyond = scene.journey.toNetns !== undefined && probe?.beyond !== undefined;
  const relevant = stops.filter(
    ({ stage, code }) =>
      code !== 'mtu' &&
      !heard.includes(code) &&
      !(code === 'no-way-back' && seenBeyond) &&
      (away === undefined || stage !== 'socket'),
  );
  const causes = inOrder(relevant.filter(isCause));
  const other = standIn ? relevant : [...dropped, ...arp, ...relevant, ...astray, ...guesses, ...beyond];
  const first = causes[0] ?? inOrder(other)[0];
  if (first !== undefined) return { works: false, finding: first };
  if (standIn) return { works: false, finding: standInDropped(scene, drop, probe.sourcePort) };
  if (away !== undefined && probe !== undefined) return { works: false, finding: away };
  if (probe === undefined) {
    return { works: false, finding: bad('sender', 'not-sent', 'minidock could not send a test packet') };
  }
  const silent = probe.outcome === 'silent';
  const suspect = probe.trace === undefined ? suspects[0] : undefined;
  if (silent && suspect !== undefined) return { works: false, finding: { ...suspect, status: 'stop' } };
  if (silent && scene.journey.protocol === 'udp') {
    const deaf = deafProgram(scene);
    return { works: deaf === undefined, finding: deaf ?? delivered(probe) };
  }
  const listening = findings.some(({ stage, status }) => stage === 'socket' && status === 'ok');
  return { works: false, finding: unanswered(scene, probe, listening) };
}

/** minidock reserves a published port by listening on it. Without the redirection clients connect to that socket. */
const answeredByAnother = ({ journey }: Scene, stops: readonly Finding[]): boolean =>
  journey.obstacle !== undefined ||
  stops.some(({ code }) => code === 'uplink-down') ||
  (journey.published !== undefined && stops.some(({ stage }) => stage === 'redirection'));

/** minidock's relay holds a published port of IPv6 (publication.ts), and serves it even without the redirection. */
const relayedInstead = ({ journey }: Scene, { service }: Probe): boolean =>
  journey.family === 6 && journey.published !== undefined && service?.answer === 'byte';
/** Findings that a probe of small packets to an address does not meet. */
const UNSEEN: readonly string[] = ['hosts-entry', 'name-server', 'mtu', 'no-way-out'];

/** Findings that an answer disproves, even a refusal. */
const HEARD: readonly string[] = ['isolated', 'port-blocked', 'port-unlearnt', 'wrong-port', 'port-locked'];

const inOrder = (findings: readonly Finding[]): readonly Finding[] =>
  [...findings].sort((one, two) => STAGES.indexOf(one.stage) - STAGES.indexOf(two.stage));

const took = ({ milliseconds }: Probe): string => `${milliseconds.toFixed(1)} ms`;

const works = (scene: Scene, probe: Probe): Finding => ({
  stage: 'way back',
  status: 'ok',
  code: 'works',
  text:
    scene.journey.protocol === 'udp'
      ? `it works: ${probe.from} got an answer from ${probe.to} in ${took(probe)}`
      : `it works: ${probe.from} reached ${probe.to} in ${took(probe)}${
          probe.service?.answer === 'byte'
            ? ', and a program there answers'
            : '; the connection is accepted, and nothing was sent over the connection'
        }${namelessly(scene)}`,
});

/** Small packets have passed. */
function largeFault(scene: Scene, probe: Probe): Finding | undefined {
  if (probe.large === undefined) return undefined;
  const drop = dropIn(probe.large.trace);
  if (drop === undefined) return lostLarge(scene, probe.large, probe.sourcePort);
  const found = droppedBy(scene, drop, probe);
  return { ...found, text: `${found.text}; it has ${drop.packet.length} bytes, and small ones pass` };
}

function usable(scene: Scene, probe: Probe): Finding | undefined {
  const fault = probe.service === undefined ? undefined : serviceFault(scene, probe.service);
  const drop = LOST.includes(fault?.code ?? '') ? dropIn(probe.data ?? []) : undefined;
  if (fault === undefined || drop === undefined) return fault;
  const found = droppedBy(scene, drop, probe);
  return { ...found, code: fault.code, text: `the connection is made, and then ${found.text}` };
}

/** Faults of a connection that a rule may cause. */
const LOST: readonly string[] = ['request-lost', 'answer-lost'];

const delivered = (probe: Probe): Finding => ({
  stage: 'socket',
  status: 'ok',
  code: 'delivered',
  text: `nothing refused the datagram to ${probe.to}; no answer came, but a program may ignore an empty line`,
});

function droppedBy(scene: Scene, event: TraceEvent, probe: Probe): Finding {
  const { family, table, chain, rule, verdict } = event;
  const owner = ownerOf(scene.ruleset, family, table, chain);
  const how = rule === '' ? `by its policy, ${verdict}` : `by the rule: ${rule}`;
  const whose =
    owner === 'minidock' ? "minidock's" : owner === 'somebody else' ? "somebody else's" : `${owner}'s`;
  const way = isAnswer(event, probe.sourcePort) ? 'the answer' : 'the packet';
  const did = /\breject\b/i.test(rule) ? 'rejected' : 'dropped';
  const torn = owner === 'minidock' && scene.journey.published !== undefined ? tornBy(probe) : undefined;
  if (torn !== undefined) {
    const place = `${torn.family} ${torn.table} ${torn.chain}`;
    const text = `the rule: ${torn.rule}, of ${place}, takes ${way} out of its connection, so that it is none of a published port to minidock, whose chain ${chain} drops it`;
    const look: Argv = ['nft', '-a', 'list', 'chain', torn.family, torn.table, torn.chain];
    const json = /notrack/.test(torn.rule) ? '"notrack"' : '"zone"';
    return {
      ...bad('prerouting', 'untracked', text, look),
      fix: removalOf(scene.ruleset, torn, { saved: / -j CT /, json }),
    };
  }
  return {
    ...bad(
      stageOf(event, probe.sourcePort),
      'dropped',
      `${whose} chain ${family} ${table} ${chain} ${did} ${way}, ${how}`,
      [...['nft', 'list', 'chain', family, table, chain]],
    ),
    fix: fixFor(scene, event, owner, probe.sourcePort),
  };
}

/** Without its entry of conntrack a packet has lost its redirection. */
const tornBy = ({ trace = [] }: Probe): TraceEvent | undefined =>
  trace.find(({ rule, table }) => table !== 'minidock' && /\bnotrack\b|\bct zone set\b|\bCT\b/.test(rule));

function fixFor(
  scene: Scene,
  event: TraceEvent,
  owner: ReturnType<typeof ownerOf>,
  sourcePort: number,
): string {
  if (owner === 'somebody else') return exceptionFor(scene, event, sourcePort);
  if (event.hook === 'forward') return acceptFix(scene, owner, [event.family, event.table, event.chain]);
  const place = event.rule === '' ? 'by a rule, since its policy is to drop' : 'before that rule';
  return `Accept it there ${place}: ${renderArgv(['nft', '-a', 'list', 'chain', event.family, event.table, event.chain])} shows its handle.`;
}

function unanswered(scene: Scene, probe: Probe, listening: boolean): Finding {
  const { journey, receiver } = scene;
  const look = [
    'bash',
    '-c',
    `exec 3<>/dev/${journey.protocol}/${probe.to.replace(/:(\d+)$/, '/$1').replace(/[[\]]/g, '')}`,
  ] as const;
  if (probe.deafRouter !== undefined && probe.outcome === 'silent') {
    const who = probe.deafRouter;
    return {
      ...bad(
        'way back',
        'no-neighbour',
        `the answer goes to the router ${who}, and nobody answers ${askingOf(journey.family)} for that address`,
        ['ip', 'neigh', 'show', 'to', who],
      ),
      fix: 'Bring the router up. A client on the same network as the host does not need it.',
    };
  }
  if (probe.deaf !== undefined || probe.outcome === 'EHOSTUNREACH') {
    const who = probe.deaf ?? journey.asked.address;
    const text = `nobody answers ${askingOf(journey.family)} for ${who} on its network: there is no such machine, or it is off`;
    return {
      ...bad('routing', 'no-neighbour', text, ['ip', 'neigh', 'show', 'to', who]),
      fix: 'Check the address, and that the machine or the router on the way to it is up.',
    };
  }
  if (probe.policy !== undefined && probe.outcome !== 'ECONNREFUSED') return probe.policy;
  const refused = ['EACCES', 'EINVAL', 'ENETUNREACH'].includes(probe.outcome)
    ? refusedHere(scene)
    : undefined;
  if (refused !== undefined) return refused;
  switch (probe.outcome) {
    case 'ECONNREFUSED':
      if (scene.sender !== undefined && probe.trace?.length === 0 && !isOwn(scene)) {
        const { sender } = scene;
        const text = `${sender.name} itself refuses the packet, and none leaves it: a packet filter in there rejects it`;
        const rules = inStack(sender, ['nft', 'list', 'ruleset']);
        return { ...bad('sender', 'own-filter', text, rules), fix: `Accept it there: ${renderArgv(rules)}` };
      }
      if (receiver !== undefined && listening) {
        const text = `a program listens at that port of ${receiver.name}, and the connection is refused: a packet filter in there rejects it`;
        const rules = inStack(receiver, ['nft', 'list', 'ruleset']);
        return { ...bad('socket', 'rejected', text, rules), fix: `Accept it there: ${renderArgv(rules)}` };
      }
      return {
        ...bad(
          'socket',
          'refused',
          `${probe.to} refused the connection: nothing listens there, or its firewall rejects it`,
          look,
        ),
        fix: 'Start the program there, or ask for the port it listens on.',
      };
    case 'EADDRINUSE': {
      const stack = scene.sender ?? scene.host;
      const text = `${stack.name} has no free port to send from: all of its ip_local_port_range are in use`;
      const setting = 'net.ipv4.ip_local_port_range';
      const fix = inStack(stack, ['sysctl', '-w', `${setting}="32768 60999"`]).join(' ');
      return { ...bad('sender', 'no-port', text, inStack(stack, ['sysctl', setting])), fix };
    }
    case 'ENETUNREACH':
      return {
        ...bad('routing', 'no-route', `there is no route to ${journey.asked.address}`, [
          'ip',
          `-${journey.family}`,
          'route',
        ]),
        fix: 'Add a route, or a default route.',
      };
    case 'silent':
      if (probe.held !== undefined) return probe.held;
      if (journey.to === undefined && journey.toNetns === undefined && listening) return unheard(scene, look);
      if (receiver !== undefined) {
        const full = fullBacklog(receiver, scene.final?.port ?? journey.asked.port);
        if (full !== undefined) return full;
        const text = `the host sent the packet to ${receiver.name}, and no answer came: ${receiver.name} drops it, or its cable does`;
        const rules = inStack(receiver, ['nft', 'list', 'ruleset']);
        const more = journey.family === 6 ? '' : ', and at its rp_filter';
        const fix = `Look at the packet filter inside ${receiver.name}${more}.`;
        return { ...bad('way back', 'no-answer', text, rules), fix };
      }
      return {
        ...bad(
          'way back',
          'no-answer',
          `nothing here stopped the packet${leftBy(probe)}, and no answer came: it is lost beyond this host, or the other machine drops it`,
          look,
        ),
        fix: 'Look at the firewall of the other machine, and at its route back.',
      };
    default:
      return bad('sender', 'failed', `connect(2) failed with ${probe.outcome}`, look);
  }
}
