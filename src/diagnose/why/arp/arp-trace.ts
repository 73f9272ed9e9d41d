/**
 * Follows ARP, or neighbour discovery of IPv6, about one address with nftables' trace, in one network namespace. Tables that an open nft session owns
 * mark each such frame at every hook that it can come in by, and stand last at the hooks too: the trace shows the
 * rule that drops it, and where it was last seen if no rule of nftables does.
 */
import { hexOfIpv6, parseIpv6 } from '../../../../runtime/syscall/inet.ts';
import { inside, type Enter } from '../../host/ip.ts';
import { familyOf } from '../family.ts';
import { ownTables } from '../own-tables.ts';
import { keepBeside, within } from '../programs.ts';
import { FIRST, isListening, isQuotable, LAST } from '../tracing.ts';

/** One line of the trace of an ARP frame. */
export interface ArpEvent {
  /** 'enter' and 'leave' are our own chains, the first and the last of a hook. */
  readonly kind: 'enter' | 'leave' | 'rule';
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly hook: string;
  readonly rule: string;
  readonly verdict: string;
  readonly iif: string;
  readonly oif: string;
}

export interface ArpTracing {
  readonly events: () => readonly ArpEvent[];
  end(): Promise<void>;
}

const READY_MS = 2000;
const BRIDGE = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
/** Neighbour discovery is IPv6 itself, and passes the hooks of it. */
const HOOKS = {
  4: { arp: ['input', 'output'], bridge: BRIDGE },
  6: { ip6: ['prerouting', 'input', 'output', 'postrouting'], bridge: BRIDGE },
} as const;

/** @param devices whose ingress and egress are watched */
export async function startArpTracing(
  enter: Enter,
  address: string,
  devices: readonly string[],
): Promise<ArpTracing> {
  const table = `minidock_why_${process.pid}`;
  const monitor = keepBeside(
    inside(['setpriv', '--pdeathsig', 'KILL', ...enter], ['nft', 'monitor', 'trace']),
  );
  const last = [familyOf(address) === 6 ? 'ip6' : 'arp', table] as const;
  const owner = await ownTables(tablesOf(table, address, devices), last, enter);
  await within(READY_MS, () => isListening(monitor.pid));
  return {
    events: () => parseArpTrace(monitor.output(), table),
    end: async () => void (await Promise.all([owner.end(), monitor.end()])),
  };
}

/** A line each: the kernel refuses only the line of a family or a hook that it does not have. */
function tablesOf(table: string, address: string, devices: readonly string[]): string {
  const marks =
    familyOf(address) === 6
      ? // The target of a solicitation or an advertisement (RFC 4861): older versions of nft have no name for it.
        `icmpv6 type { 135, 136 } @th,64,128 0x${hexOfIpv6(parseIpv6(address) ?? 0n)} meta nftrace set 1; `
      : `arp saddr ip ${address} meta nftrace set 1; arp daddr ip ${address} meta nftrace set 1; `;
  const both = (name: string, hook: string): string =>
    `chain enter_${name} { type filter hook ${hook} priority ${FIRST}; ${marks}}; ` +
    `chain leave_${name} { type filter hook ${hook} priority ${LAST}; }; `;
  const lines = devices
    .filter(isQuotable)
    .flatMap((device, index) =>
      ['ingress', 'egress'].map((hook) => both(`${hook}_${index}`, `${hook} device "${device}"`)),
    )
    .map((chains, index) => `add table netdev ${table}_${index} { flags owner; ${chains}}\n`);
  const ofHooks = Object.entries<readonly string[]>(HOOKS[familyOf(address)]).map(
    ([family, hooks]) =>
      `add table ${family} ${table} { flags owner; ${hooks.map((hook) => both(hook, hook)).join('')}}\n`,
  );
  // The table of arp or ip6 is last: it shows that all of them are there.
  return [...lines, ...ofHooks.toReversed()].join('');
}

export function parseArpTrace(text: string, own: string): readonly ArpEvent[] {
  const places = new Map<string, Pick<ArpEvent, 'iif' | 'oif'>>();
  let hook = '';
  return text.split('\n').flatMap((line): readonly ArpEvent[] => {
    const match = /^trace id (\w+) (\S+) (\S+) (\S+) (packet:|rule|policy) ?(.*?)\s*$/.exec(line);
    if (match === null) return [];
    const [, id = '', family = '', table = '', chain = '', kind, rest = ''] = match;
    const ours = table.startsWith(own) ? /^(enter|leave)_([a-z]+)/.exec(chain) : null;
    if (kind === 'packet:') {
      const word = (pattern: RegExp): string => pattern.exec(rest)?.[1] ?? '';
      const place = { iif: word(/\biif "([^"]+)"/), oif: word(/\boif "([^"]+)"/) };
      places.set(id, place);
      if (ours === null) return [];
      hook = ours[2] ?? '';
      const step = ours[1] === 'enter' ? ('enter' as const) : ('leave' as const);
      return [{ kind: step, family, table: '', chain: '', hook, rule: '', verdict: '', ...place }];
    }
    if (table.startsWith(own)) return [];
    const [, rule = '', verdict = ''] =
      kind === 'policy' ? ['', '', rest] : (/^(.*?) ?\(verdict ([^()]*)\)$/.exec(rest) ?? ['', rest]);
    const place = places.get(id) ?? { iif: '', oif: '' };
    return [{ kind: 'rule', family, table, chain, hook, rule: rule.trim(), verdict, ...place }];
  });
}
