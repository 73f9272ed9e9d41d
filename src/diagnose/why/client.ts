/**
 * A client that stands outside: a namespace of its own, since what the host sends to its own address never passes
 * prerouting.
 *
 * Its packets enter the host on the uplink, so that rules which name it are met. What arrives at our end of its cable
 * is put back as if it had come in on the uplink (tc's mirred), and what the uplink is about to send to the client
 * goes over the cable instead (nftables' egress hook, the last point before the wire): none of it leaves the machine.
 *
 * Where that cannot be had, the client's cable is a network of the host's own. What is different then is `shortfall`.
 *
 * The namespace lives by a process that holds our end of a pipe, the egress rule by the session of nft that owns it:
 * when this process ends, by SIGKILL too, the kernel takes them away, and the cable with them.
 */
import { readlinkSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { look } from '../host/look.ts';
import type { ClientNetwork } from './observe.ts';
import { keepBeside, within, type Companion } from './programs.ts';
import { LAST } from './tracing.ts';

const READY_MS = 3000;
/** Addresses that are nobody's: the cable's two ends know each other without asking. */
const HOST_MAC = '02:6d:64:79:00:01';
const CLIENT_MAC = '02:6d:64:79:00:02';

export interface Client {
  /** Of a process in its namespace. */
  readonly pid: number;
  readonly address: string;
  /** The host's end, by which the client reaches the host. */
  readonly gateway: string;
  /** The interface that its packets come in on, where that is the uplink; else ''. */
  readonly uplink: string;
  /** What this client cannot show, else ''. */
  readonly shortfall: string;
  end(): Promise<void>;
}

/**
 * @param uplink the interface to come in on, '' if there is none
 * @param straying where the host's answers leave instead, '' if they do not: there they are dropped
 * @throws MinidockError 'NO_CLIENT' when the namespace or its cable cannot be made.
 */
export async function startClient(network: ClientNetwork, uplink: string, straying = ''): Promise<Client> {
  const holder = keepBeside(['unshare', '--net', 'cat']);
  const link = `mdy${process.pid}`;
  const companions: Companion[] = [holder];
  const end = async (): Promise<void> => {
    await look(['ip', 'link', 'delete', link]);
    await Promise.all(companions.map((companion) => companion.end()));
  };
  try {
    const own = readlinkSync('/proc/self/ns/net');
    const apart = await within(READY_MS, () => readNamespace(holder.pid) !== own);
    const failed = apart ? await firstFailure(cable(network, link, holder.pid)) : 'unshare --net';
    if (failed !== undefined) throw noClient(failed);
    const refused =
      uplink === '' ? 'no interface' : await enterBy(uplink, network, link, companions, straying);
    const onUplink = refused === undefined;
    if (!onUplink) {
      const addressed = await firstFailure([['ip', 'address', 'add', `${network.host}/30`, 'dev', link]]);
      if (addressed !== undefined) throw noClient(addressed);
    }
    return {
      pid: holder.pid,
      address: network.client,
      gateway: network.host,
      uplink: onUplink ? uplink : '',
      shortfall: onUplink ? '' : shortfallOf(uplink, refused),
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function shortfallOf(uplink: string, refused: string): string {
  const why =
    uplink === ''
      ? 'this address is not on an Ethernet interface that the host answers the world by'
      : `not to be had here: ${refused}`;
  return `It does not come in on the uplink (${why}), so rules that name the uplink are not met.`;
}

function cable({ host, client }: ClientNetwork, link: string, pid: number): readonly (readonly string[])[] {
  const inside = ['nsenter', '-t', String(pid), '-n', 'ip'];
  const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'address', CLIENT_MAC, 'netns', String(pid)];
  return [
    ['ip', 'link', 'add', link, 'address', HOST_MAC, ...peer],
    // Only for as long as it takes: no address of IPv6, which would ask the neighbours first.
    ['ip', 'link', 'set', link, 'addrgenmode', 'none'],
    ['ip', 'link', 'set', link, 'up'],
    [...inside, 'address', 'add', `${client}/32`, 'dev', 'eth0'],
    [...inside, 'link', 'set', 'eth0', 'up'],
    [...inside, 'neigh', 'add', host, 'lladdr', HOST_MAC, 'dev', 'eth0', 'nud', 'permanent'],
    [...inside, 'route', 'add', 'default', 'via', host, 'dev', 'eth0', 'onlink'],
  ];
}

/** The way out first: without it an answer would go onto the wire. The command that was refused, if one was. */
async function enterBy(
  uplink: string,
  { client }: ClientNetwork,
  link: string,
  companions: Companion[],
  straying: string,
): Promise<string | undefined> {
  // Begins as the trace's table does, and so is not told in a trace.
  const table = `minidock_why_${process.pid}_client`;
  const redirect = `ip daddr ${client} ether daddr set ${CLIENT_MAC} fwd to "${link}"`;
  const egress = (name: string, device: string, rule: string): string =>
    `chain ${name} { type filter hook egress device "${device}" priority ${LAST}; ${rule}; }; `;
  const chain =
    egress('egress', uplink, redirect) +
    (straying === '' ? '' : egress('astray', straying, `ip daddr ${client} drop`));
  companions.push(keepBeside(['nft', '-i'], `add table netdev ${table} { flags owner; ${chain}}\n`));
  const list = ['nft', 'list', 'table', 'netdev', table] as const;
  const owned = await within(READY_MS, async () => (await look(list)).includes('fwd to'));
  if (!owned) return 'nft has no egress hook';
  const everything = ['protocol', 'ip', 'u32', 'match', 'u32', '0', '0'];
  return firstFailure([
    ['tc', 'qdisc', 'add', 'dev', link, 'clsact'],
    [
      ...['tc', 'filter', 'add', 'dev', link, 'ingress', ...everything],
      ...['action', 'mirred', 'ingress', 'redirect', 'dev', uplink],
    ],
  ]);
}

async function firstFailure(steps: readonly (readonly string[])[]): Promise<string | undefined> {
  for (const step of steps) if (!(await succeeds(step as unknown as Argv))) return step.join(' ');
  return undefined;
}

async function succeeds(argv: Argv): Promise<boolean> {
  try {
    return (await readProgram(argv)).exitCode === 0;
  } catch {
    return false; // Not installed.
  }
}

const noClient = (step: string): MinidockError =>
  new MinidockError({
    code: 'NO_CLIENT',
    message: `cannot make a client outside to send from: ${step}`,
    exitCode: 125,
  });

/** Our own until `unshare` has done its work, and while it is not there yet. */
function readNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return readlinkSync('/proc/self/ns/net');
  }
}
