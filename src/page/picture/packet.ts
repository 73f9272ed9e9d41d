/**
 * The flight of a packet, from what `why --json` answers: hops in order, each at a hook or a place, with the packet's
 * addresses as they are there; a change of address is DNAT or SNAT. The last hop is where it stopped, or the target.
 * Pure; the answer may come from a lab, so every field is looked at.
 */
export interface Hop {
  /** 'prerouting', 'forward', a stage of the walk. */
  readonly stage: string;
  readonly text: string;
  readonly source: string;
  readonly destination: string;
  /** Interfaces of the host. */
  readonly iif: string;
  readonly oif: string;
  readonly changed?: 'DNAT' | 'SNAT';
  readonly state: 'ok' | 'stop' | 'note';
}

export interface Flight {
  readonly from: string;
  readonly to: { readonly address: string; readonly port: number; readonly name: string };
  readonly works: boolean;
  readonly hops: readonly Hop[];
  /** What stopped it, or how it went well. */
  readonly verdict: string;
  readonly stage: string;
  readonly see: string;
  readonly fix: string;
  /** What the host looked like on the way, a line each. */
  readonly walk: readonly { readonly stage: string; readonly status: string; readonly text: string }[];
}

/** @throws Error for what is no answer of why. */
export function flightOf(answer: unknown): Flight {
  const { from, to, works, verdict, walk, probe } = asObject(answer);
  const target = asObject(to);
  const end = asObject(verdict);
  const findings = asList(walk).map((finding) => {
    const { stage, status, text } = asObject(finding);
    return { stage: asText(stage), status: asText(status), text: asText(text) };
  });
  const trace = asList(asObject(probe)['trace']);
  const passage = trace.length > 0 ? hopsOfTrace(trace) : hopsOfWalk(findings);
  const stage = asText(end['stage']);
  const last: Hop = {
    stage: works === true ? 'arrived' : stage,
    text: asText(end['text']),
    ...(passage.at(-1) === undefined
      ? { source: '', destination: '', iif: '', oif: '' }
      : pickPacket(passage.at(-1) as Hop)),
    state: works === true ? 'ok' : 'stop',
  };
  const dropped = passage.some(({ state }) => state === 'stop');
  return {
    from: asText(from),
    to: {
      address: asText(target['address']),
      port: Number(target['port']) || 0,
      name: asText(target['container']) || asText(target['netns']),
    },
    works: works === true,
    hops: dropped && works !== true ? passage : [...passage, last],
    verdict: asText(end['text']),
    stage,
    see: asList(end['look']).map(asText).map(quoted).join(' '),
    fix: asText(end['fix']),
    walk: findings,
  };
}

const pickPacket = ({
  source,
  destination,
  iif,
  oif,
}: Hop): Pick<Hop, 'source' | 'destination' | 'iif' | 'oif'> => ({
  ...{ source, destination, iif, oif },
});

function hopsOfTrace(trace: readonly unknown[]): readonly Hop[] {
  const hops: Hop[] = [];
  const first = asText(asObject(trace[0])['id']);
  for (const event of trace) {
    const { kind, id, hook, family, table, chain, rule, verdict, packet } = asObject(event);
    const { source, destination, sourcePort, destinationPort, iif, oif } = asObject(packet);
    const at = {
      source: `${asText(source)}:${Number(sourcePort) || 0}`,
      destination: `${asText(destination)}:${Number(destinationPort) || 0}`,
      iif: asText(iif),
      oif: asText(oif),
    };
    const stage = asText(hook);
    const before = hops.at(-1);
    // Later packets of the connection, and the answer, have ids of their own.
    if (kind === 'leave' || asText(id) !== first) continue;
    const isNew = before === undefined || before.stage !== stage;
    if (isNew) {
      const changed =
        before === undefined || before.source === ':0'
          ? undefined
          : before.destination !== at.destination
            ? 'DNAT'
            : before.source !== at.source
              ? 'SNAT'
              : undefined;
      hops.push({
        ...{ stage, text: '', ...at, state: 'ok' },
        ...(changed === undefined ? {} : { changed }),
      });
    }
    if (kind === 'rule' || kind === 'policy') {
      const words = kind === 'policy' ? `policy ${asText(verdict)}` : asText(rule);
      const where = [family, table, chain].map(asText).join(' ');
      const last = hops.pop() as Hop;
      const dropped = asText(verdict) === 'drop' || asText(verdict) === 'reject';
      hops.push({
        ...last,
        text: [...(last.text === '' ? [] : [last.text]), `${where}: ${words}`].join('\n'),
        state: dropped ? 'stop' : 'ok',
      });
      if (dropped) return hops;
    }
  }
  return hops;
}

const hopsOfWalk = (
  findings: readonly { readonly stage: string; readonly status: string; readonly text: string }[],
): readonly Hop[] => {
  const hops: Hop[] = [];
  for (const { stage, status, text } of findings) {
    const state = status === 'stop' ? 'stop' : 'ok';
    const before = hops.at(-1);
    if (before?.stage === stage)
      hops[hops.length - 1] = { ...before, text: `${before.text}\n${text}`, state };
    else hops.push({ stage, text, source: '', destination: '', iif: '', oif: '', state });
    if (state === 'stop') break;
  }
  return hops;
};

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
