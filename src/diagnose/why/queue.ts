/**
 * Queueing disciplines and filters of tc that hold or drop packets on a cable: no hook and no trace shows them, their
 * counters do.
 */
import { inside, type IpLink } from '../host/ip.ts';
import { lookAtJson } from '../host/look.ts';
import { bad } from './findings.ts';
import type { Finding } from './model.ts';
import type { Scene } from './observe.ts';
import { inStack, type Stack } from './stack.ts';
import { hostEnd } from './physical.ts';

interface Qdisc {
  readonly kind: string;
  readonly drops?: number;
  /** Packets that wait. */
  readonly qlen?: number;
  readonly options?: {
    /** Of tbf, in bytes: no larger packet ever leaves. */
    readonly burst?: number;
    /** Of netem, a fraction: what it drops. */
    readonly 'loss-random'?: { readonly loss?: number };
  };
}

/** Those that somebody set up; the kernel's own (fq_codel, pfifo_fast) drop a packet now and then. */
const SHAPING: ReadonlySet<string> = new Set(['netem', 'tbf', 'htb', 'hfsc', 'cake', 'prio', 'plug']);
const FILTERING: ReadonlySet<string> = new Set(['clsact', 'ingress']);

/** The first on the way that has dropped or holds packets; undefined without one. */
export async function heldBy(scene: Scene): Promise<Finding | undefined> {
  const { host, sender, senderRoute, receiver, final, hostRoute, clientRoute } = scene;
  const address = final?.address ?? scene.journey.asked.address;
  const cable = (stack: Stack | undefined, own: (link: IpLink) => boolean): readonly Place[] => {
    const link = stack?.interfaces.find(own);
    const end = hostEnd(link, host);
    return [
      ...(stack === undefined || link === undefined ? [] : [[stack, link.ifname] as const]),
      ...(end === undefined ? [] : [[host, end.ifname] as const]),
    ];
  };
  const places = [
    ...cable(sender, ({ ifname }) => ifname === senderRoute?.dev),
    ...[clientRoute?.dev, hostRoute?.dev].flatMap((dev) => (dev === undefined ? [] : [[host, dev] as const])),
    ...cable(receiver, ({ addr_info }) => addr_info.some(({ local }) => local === address)),
  ];
  const found = await Promise.all(places.map(heldAt));
  return found.find((one) => one !== undefined);
}

/** At one interface. */
export async function heldAt([stack, ifname]: Place): Promise<Finding | undefined> {
  const found = (await readQdiscs(stack, ifname)).find(isHolding);
  if (found === undefined) return undefined;
  const { kind, drops = 0, qlen = 0 } = found;
  const what = FILTERING.has(kind) ? 'a filter of tc' : `the queueing discipline ${kind}`;
  const text = `${what} at ${ifname} of ${stack.name} drops or holds packets (${drops} dropped, ${qlen} waiting)`;
  const which = FILTERING.has(kind) ? kind : 'root';
  const fix = inStack(stack, ['tc', 'qdisc', 'del', 'dev', ifname, which]).join(' ');
  const look = inStack(stack, ['tc', '-s', 'qdisc', 'show', 'dev', ifname]);
  return { ...bad('cable', 'queue', text, look), fix };
}

/**
 * A queue that lets no packet of full size out, or none at all. A stand-in for a client gets its answers before the wire,
 * so that only the settings of the uplink's queue tell.
 */
export async function narrowAt([stack, ifname]: Place): Promise<Finding | undefined> {
  const mtu = stack.interfaces.find((link) => link.ifname === ifname)?.mtu ?? 0;
  for (const { kind, options } of await readQdiscs(stack, ifname)) {
    const { burst = mtu, 'loss-random': random } = options ?? {};
    const all = random?.loss === 1;
    if (!all && (kind !== 'tbf' || burst >= mtu)) continue;
    const what = all
      ? 'drops all that leaves there'
      : `lets packets of up to ${burst} bytes leave (its burst) and drops larger ones, of up to ${mtu} bytes`;
    const text = `the queueing discipline ${kind} at ${ifname} of ${stack.name} ${what}`;
    const fix = inStack(stack, ['tc', 'qdisc', 'del', 'dev', ifname, 'root']).join(' ');
    const look = inStack(stack, ['tc', '-s', 'qdisc', 'show', 'dev', ifname]);
    return { ...bad('cable', 'queue', text, look), fix };
  }
  return undefined;
}

type Place = readonly [stack: Stack, ifname: string];

const readQdiscs = ({ enter }: Stack, ifname: string): Promise<readonly Qdisc[]> =>
  lookAtJson(inside(enter, ['tc', '-s', '-j', 'qdisc', 'show', 'dev', ifname]), []);

const isHolding = ({ kind, drops = 0, qlen = 0 }: Qdisc): boolean =>
  (SHAPING.has(kind) && drops + qlen > 0) || (FILTERING.has(kind) && drops > 0);
