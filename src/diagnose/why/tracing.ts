/**
 * Switches nftables' trace on for one connection, in tables that an open nft session owns: the kernel removes them
 * when it ends.
 *
 * Our chains stand first and last at every hook. The first ones of prerouting and output mark the packet; the others
 * only appear in the trace. So the trace shows each hook that the packet entered and left, even without other chains,
 * and even if the legacy iptables dropped it without a trace.
 */
import { readFileSync } from 'node:fs';
import type { Protocol } from '../../../runtime/network/types.ts';
import { isInstalled } from '../../../runtime/plan/tools.ts';
import { inside, type Enter } from '../host/ip.ts';
import { nftFamily, type Family } from './family.ts';
import { ownTables } from './own-tables.ts';
import { keepBeside, within } from './programs.ts';

/** Packets from this size on, bytes, are traced as large; those of a handshake are not. */
export const LARGE = 600;

/** Longer than a packet of a handshake with its options, bytes, in either family: it has data. */
export const DATA = 80;

/** Bit of the multicast group NFNLGRP_NFTRACE in /proc/net/netlink. */
const TRACE_GROUP = 1 << 8;
const READY_MS = 3000;
const FIRST_LINE_MS = 400;
const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
/** Before all chains (raw is -300), and after all but conntrack's confirmation. */
export const FIRST = -350;
export const LAST = 2_147_483_646;

export interface Tracing {
  readonly table: string;
  /** Why there is no trace, else ''. */
  readonly missing: string;
  readonly output: () => string;
  /** Waits until the kernel's messages so far are read. */
  settle(): Promise<void>;
  end(): Promise<void>;
}

/**
 * Follows the first packet of the connection, its answer and a refusal. The trace starts at the ingress of `devices`,
 * the interfaces of this host that they come in on: a rule there stands before all others.
 */
export async function startTracing(
  { protocol, family }: { readonly protocol: Protocol; readonly family: Family },
  sourcePort: number,
  ports: readonly number[],
  devices: readonly string[],
  enter: Enter = [],
): Promise<Tracing> {
  const table = `minidock_why_${process.pid}`;
  if (!isInstalled('nft')) {
    return { table, missing: 'nft is not installed', output: () => '', settle: nothing, end: nothing };
  }
  const monitor = keepBeside(
    inside(['setpriv', '--pdeathsig', 'KILL', ...enter], ['nft', 'monitor', 'trace']),
  );
  const definition = tableDefinition(protocol, sourcePort, ports);
  // A line each: a kernel without the bridge family refuses only that line.
  const ip = nftFamily(family);
  const families = ['bridge', ip].map((one) => `add table ${one} ${table} ${definition}\n`);
  // A line each: one of them may be gone already.
  for (const [index, device] of [...new Set(devices)].filter(isQuotable).entries()) {
    const ingress = (when: string, priority: number, rules: string): string =>
      `chain ${when}_ingress_${index} { type filter hook ingress device "${device}" priority ${priority}; ${rules}}; `;
    const both = ingress('enter', FIRST, marks(protocol, sourcePort, ports)) + ingress('leave', LAST, '');
    families.unshift(`add table netdev ${table} { flags owner; ${both}}\n`);
  }
  const owner = await ownTables(families.join(''), [ip, table], enter);
  const end = async (): Promise<void> => {
    await Promise.all([owner.end(), monitor.end()]);
  };
  const ready = owner.hasThem && (await within(READY_MS, () => isListening(monitor.pid)));
  const settle = async (): Promise<void> => {
    let before = -1;
    const start = performance.now();
    await within(READY_MS, async () => {
      const length = monitor.output().length;
      // On a busy machine the first line takes a while.
      const quiet = length === before && (length > 0 || performance.now() - start > FIRST_LINE_MS);
      before = length;
      if (!quiet) await new Promise((resolve) => setTimeout(resolve, 30));
      return quiet;
    });
  };
  return {
    table,
    missing: ready ? '' : 'nft could not set up a trace here',
    output: monitor.output,
    settle,
    end,
  };
}

function marks(protocol: Protocol, sourcePort: number, ports: readonly number[]): string {
  const set = `{ ${ports.join(', ')} }`;
  const ways = [
    `${protocol} sport ${sourcePort} ${protocol} dport ${set}`,
    `${protocol} dport ${sourcePort} ${protocol} sport ${set}`,
  ];
  if (protocol === 'udp') return ways.map((way) => `${way} meta nftrace set 1; `).join('');
  // A page has many large packets, and a few of them show as much.
  const some = `meta length >= ${LARGE} limit rate 10/second burst 10 packets`;
  const small = `meta length > ${DATA} meta length < ${LARGE} limit rate 10/second burst 10 packets`;
  return ways
    .flatMap((way) => [
      `${way} tcp flags & (syn | rst) != 0`,
      `${way} ${some}`,
      `${way} tcp flags & syn == 0 ${small}`,
    ])
    .map((packets) => `${packets} meta nftrace set 1; `)
    .join('');
}

function tableDefinition(protocol: Protocol, sourcePort: number, ports: readonly number[]): string {
  const mark = marks(protocol, sourcePort, ports);
  const chain = (name: string, hook: string, priority: number, rules: string): string =>
    `chain ${name} { type filter hook ${hook} priority ${priority}; ${rules}}; `;
  const chains = HOOKS.flatMap((hook) => [
    chain(`enter_${hook}`, hook, FIRST, hook === 'prerouting' || hook === 'output' ? mark : ''),
    chain(`leave_${hook}`, hook, LAST, ''),
  ]);
  return `{ flags owner; ${chains.join('')}}`;
}

/** The kernel lists netlink sockets, of that process's network namespace, with their owner and their groups. */
export function isListening(pid: number): boolean {
  return netlinkSockets(pid)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([, , owner, groups = '0']) => Number(owner) === pid && (parseInt(groups, 16) & TRACE_GROUP) !== 0);
}

function netlinkSockets(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/net/netlink`, 'utf8');
  } catch {
    return ''; // It has ended.
  }
}

export const isQuotable = (device: string): boolean => /^[\w.@-]+$/.test(device);

const nothing = (): Promise<void> => Promise.resolve();
