/** What a probe needs around it: a table that switches nftables' trace on, and a client at the end of a cable. */
import { readFileSync, readlinkSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Protocol } from '../../../runtime/network/types.ts';
import { isInstalled } from '../../../runtime/plan/tools.ts';
import type { Argv } from '../../../runtime/plan/step.ts';
import type { ClientNetwork } from './observe.ts';
import { keepBeside, look, within } from './programs.ts';

/** Bit of the multicast group NFNLGRP_NFTRACE in /proc/net/netlink. */
const TRACE_GROUP = 1 << 8;
const READY_MS = 3000;

export interface Tracing {
  readonly table: string;
  /** Why there is no trace, else ''. */
  readonly missing: string;
  readonly output: () => string;
  /** Until what the kernel has said so far has been read. */
  settle(): Promise<void>;
  end(): Promise<void>;
}

/**
 * Before everything else (priority -350; raw is -300) the first packet of the connection, its answer and a refusal
 * are marked. The table is the open session's own: the kernel removes it when that ends.
 */
export async function startTracing(
  protocol: Protocol,
  sourcePort: number,
  ports: readonly number[],
): Promise<Tracing> {
  const table = `minidock_why_${process.pid}`;
  if (!isInstalled('nft')) {
    return { table, missing: 'nft is not installed', output: () => '', settle: nothing, end: nothing };
  }
  const flags = protocol === 'tcp' ? ' tcp flags & (syn | rst) != 0' : '';
  const set = `{ ${ports.join(', ')} }`;
  const rules = [
    `${protocol} sport ${sourcePort} ${protocol} dport ${set}${flags} meta nftrace set 1`,
    `${protocol} dport ${sourcePort} ${protocol} sport ${set}${flags} meta nftrace set 1`,
  ].join('; ');
  const chain = (hook: string): string =>
    `chain ${hook} { type filter hook ${hook} priority -350; ${rules}; }; `;
  const monitor = keepBeside(['setpriv', '--pdeathsig', 'KILL', 'nft', 'monitor', 'trace']);
  const owner = keepBeside(
    ['nft', '-i'],
    `add table ip ${table} { flags owner; ${chain('prerouting')}${chain('output')}}\n`,
  );
  const end = async (): Promise<void> => {
    await Promise.all([owner.end(), monitor.end()]);
  };
  const ready = await within(
    READY_MS,
    async () => isListening(monitor.pid) && (await look(['nft', 'list', 'table', 'ip', table])) !== '',
  );
  const settle = async (): Promise<void> => {
    let before = -1;
    await within(READY_MS, async () => {
      const length = monitor.output().length;
      const quiet = length === before;
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

/** The kernel lists netlink sockets with their owner and the groups they have joined. */
function isListening(pid: number): boolean {
  return readFileSync('/proc/net/netlink', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([, , owner, groups = '0']) => Number(owner) === pid && (parseInt(groups, 16) & TRACE_GROUP) !== 0);
}

const nothing = (): Promise<void> => Promise.resolve();

export interface Client {
  /** Of a process in its namespace. */
  readonly pid: number;
  readonly address: string;
  /** The host's end, by which the client reaches the host. */
  readonly gateway: string;
  end(): Promise<void>;
}

/** @throws MinidockError 'NO_CLIENT' when the namespace or its cable cannot be made. */
export async function startClient({ host, client }: ClientNetwork): Promise<Client> {
  const holder = keepBeside(['unshare', '--net', 'cat']);
  const link = `mdy${process.pid}`;
  const own = readlinkSync('/proc/self/ns/net');
  const end = async (): Promise<void> => {
    await look(['ip', 'link', 'delete', link]);
    await holder.end();
  };
  const inside = ['nsenter', '-t', String(holder.pid), '-n', 'ip'];
  const steps: readonly (readonly string[])[] = [
    ['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(holder.pid)],
    // Only for as long as it takes: no address of IPv6, which would ask the neighbours first.
    ['ip', 'link', 'set', link, 'addrgenmode', 'none'],
    ['ip', 'address', 'add', `${host}/30`, 'dev', link],
    ['ip', 'link', 'set', link, 'up'],
    [...inside, 'address', 'add', `${client}/30`, 'dev', 'eth0'],
    [...inside, 'link', 'set', 'eth0', 'up'],
    [...inside, 'route', 'add', 'default', 'via', host],
  ];
  try {
    const apart = await within(READY_MS, () => readNamespace(holder.pid) !== own);
    for (const step of steps) {
      const failed = !apart || (await run(step as unknown as Argv)) !== '';
      if (!failed) continue;
      throw new MinidockError({
        code: 'NO_CLIENT',
        message: `cannot make a client outside to send from: ${step.join(' ')}`,
        exitCode: 125,
      });
    }
  } catch (error) {
    await end();
    throw error;
  }
  return { pid: holder.pid, address: client, gateway: host, end };
}

/** '' when it went well. */
async function run(argv: Argv): Promise<string> {
  const { readProgram } = await import('../../../runtime/plan/read-program.ts');
  return (await readProgram(argv)).exitCode === 0 ? '' : argv.join(' ');
}

/** Our own until `unshare` has done its work, and while it is not there yet. */
function readNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return readlinkSync('/proc/self/ns/net');
  }
}
