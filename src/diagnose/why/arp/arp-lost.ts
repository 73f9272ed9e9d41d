/**
 * Where ARP disappears without a rule of nftables: the question's way to its owner and the answer's way back are a
 * row of points that the trace shows, and the first one that is missing tells between which two it happens. What
 * stands between them leaves no trace: filters of tc, XDP programs, the legacy arptables and ebtables; or the owner
 * heard the question and does not answer.
 */
import { inside, type IpLink, type RouteTo } from '../../host/ip.ts';
import { look } from '../../host/look.ts';
import type { ArpEvent } from './arp-trace.ts';
import { askingOf } from '../family.ts';
import { bad } from '../findings.ts';
import type { Finding, Stage } from '../model.ts';
import { inStack, type Stack } from '../stack.ts';
import { heldAt } from '../queue.ts';

/** Who asks for whom. */
export interface Asking {
  readonly stage: Stage;
  readonly asker: Stack;
  readonly route: RouteTo;
  readonly next: string;
}

/** One end of the way: its interface, and the host's end of that cable. */
export interface ArpEnd {
  readonly stack: Stack;
  readonly link: IpLink | undefined;
  readonly end: IpLink | undefined;
}

export interface ArpWay {
  readonly asker: ArpEnd;
  readonly owner: ArpEnd | undefined;
  readonly host: Stack;
}

type Seen = readonly (readonly [Stack, ArpEvent])[];

export async function lostArp(
  { asker, owner, host }: ArpWay,
  asking: Asking,
  seen: Seen,
): Promise<Finding | undefined> {
  const has = (stack: Stack, kind: string, hook: string, device?: IpLink): boolean =>
    seen.some(
      ([where, event]) =>
        where === stack &&
        event.kind === kind &&
        event.hook === hook &&
        (device === undefined
          ? event.family === 'arp' || event.family === 'ip6'
          : event.family === 'netdev' && [event.iif, event.oif].includes(device.ifname)),
    );
  const inHook = (stack: Stack, hook: string): boolean =>
    has(stack, 'enter', hook) && !has(stack, 'leave', hook);
  for (const [stack, hook] of [
    [asker.stack, 'output'],
    [owner?.stack, 'input'],
    [owner?.stack, 'output'],
    [asker.stack, 'input'],
  ] as const) {
    if (stack !== undefined && inHook(stack, hook)) return legacy(asking, stack, hook);
  }
  const cables = [
    { from: asker.stack, out: asker.link, to: host, into: asker.end },
    { from: host, out: owner?.end, to: owner?.stack, into: owner?.link },
    { from: owner?.stack, out: owner?.link, to: host, into: owner?.end },
    { from: host, out: asker.end, to: asker.stack, into: asker.link },
  ];
  for (const { from, out, to, into } of cables) {
    if (from === undefined || to === undefined || out === undefined || into === undefined) continue;
    if (has(from, 'leave', 'egress', out) && !has(to, 'enter', 'ingress', into)) {
      return onCable(asking, [from, out], [to, into]);
    }
  }
  if (owner === undefined || owner.stack === asker.stack) return undefined;
  // The host may hear it on another interface than the one that has the address.
  const bridge = host.interfaces.find(({ ifname }) => ifname === asker.end?.master) ?? asker.end;
  const incoming = owner.stack === host && bridge !== undefined ? { ...owner, link: bridge } : owner;
  return has(owner.stack, 'leave', 'input') && !has(owner.stack, 'enter', 'output')
    ? unanswered(asking, incoming)
    : undefined;
}

function legacy({ stage, next }: Asking, stack: Stack, hook: string): Finding {
  if (stack.family === 6) return legacy6({ stage, next }, stack, hook);
  const chain = hook.toUpperCase();
  const text = `the ARP about ${next} enters the ${hook} hook of arp in ${stack.name} and does not leave it: the legacy arptables leaves no trace`;
  const look = inStack(stack, ['arptables-legacy', '-L', chain, '-v', '-n']);
  const accept = (flag: string): string =>
    inStack(stack, ['arptables-legacy', '-I', chain, flag, next, '-j', 'ACCEPT']).join(' ');
  return { ...bad(stage, 'arp-dropped', text, look), fix: `${accept('-s')} && ${accept('-d')}` };
}

/** Only ip6tables of the legacy kind hides there. */
function legacy6({ stage, next }: Pick<Asking, 'stage' | 'next'>, stack: Stack, hook: string): Finding {
  const chain = hook.toUpperCase();
  const text = `the neighbour discovery about ${next} enters the ${hook} hook of ip6 in ${stack.name} and does not leave it: the legacy ip6tables leaves no trace`;
  const look = inStack(stack, ['ip6tables-legacy', '-L', chain, '-v', '-n']);
  const accept = ['135', '136'].map((type) =>
    inStack(stack, [
      ...(['ip6tables-legacy', '-I', chain] as const),
      ...['-p', 'icmpv6', '--icmpv6-type', type, '-j', 'ACCEPT'],
    ]).join(' '),
  );
  return { ...bad(stage, 'arp-dropped', text, look), fix: accept.join(' && ') };
}

async function onCable(
  { stage, next }: Asking,
  [from, out]: readonly [Stack, IpLink],
  [to, into]: readonly [Stack, IpLink],
): Promise<Finding> {
  const places = [
    [from, out, 'egress'],
    [to, into, 'ingress'],
  ] as const;
  const text = `the ${askingOf(from.family)} about ${next} leaves ${out.ifname} of ${from.name} and does not come in at ${into.ifname} of ${to.name}`;
  for (const [stack, { ifname }, side] of places) {
    const show = inStack(stack, ['tc', '-s', 'filter', 'show', 'dev', ifname, side]);
    if ((await look(show)).trim() === '') continue;
    const fix = inStack(stack, ['tc', 'filter', 'del', 'dev', ifname, side]).join(' ');
    return {
      ...bad(
        stage,
        'arp-dropped',
        `${text}: a filter of tc at ${side} of ${ifname} takes it (the fix removes all filters there)`,
        show,
      ),
      fix,
    };
  }
  const held = (await heldAt([from, out.ifname])) ?? (await heldAt([to, into.ifname]));
  if (held !== undefined) return { ...held, stage };
  const show = inside(to.enter, ['ip', '-d', 'link', 'show', into.ifname]);
  const fix = 'Look for XDP programs and queueing disciplines there: tc qdisc show.';
  return {
    ...bad(stage, 'arp-vanished', `${text}: an XDP program or a queueing discipline takes it`, show),
    fix,
  };
}

/** The owner got the question, and its settings forbid the answer (ip-sysctl: the greater of both values counts). */
async function unanswered({ stage, next }: Asking, { stack, link }: ArpEnd): Promise<Finding> {
  if (stack.family === 6) {
    const fix = `Look at its packet filter and at its addresses, which must not be tentative: ${inStack(stack, ['ip', '-6', 'address']).join(' ')}`;
    const look = inStack(stack, ['nft', 'list', 'ruleset']);
    return {
      ...bad(
        stage,
        'arp-unanswered',
        `${stack.name} gets the question for ${next} (neighbour discovery) and does not answer it`,
        look,
      ),
      fix,
    };
  }
  const names = ['all', ...(link === undefined ? [] : [link.ifname])].map(
    (name) => `net/ipv4/conf/${name}/arp_ignore`,
  );
  const show = inStack(stack, ['sysctl', ...names]);
  const text = `${stack.name} gets the question for ${next} (${askingOf(stack.family)}) and does not answer it`;
  if (/arp_ignore = [1-9]/.test(await look(show))) {
    const fix = inStack(stack, ['sysctl', '-w', ...names.map((name) => `${name}=0`)]).join(' ');
    return { ...bad(stage, 'arp-unanswered', `${text}: its arp_ignore says so`, show), fix };
  }
  const fix = `Look at arp_filter and rp_filter in ${stack.name}, and at its route back: ip route.`;
  return { ...bad(stage, 'arp-unanswered', text, show), fix };
}
