/**
 * A client outside of the host: a namespace of its own, since the host's packets to its own address never pass
 * prerouting.
 *
 * Its packets enter the host on the uplink, so that they meet the rules that name it. tc's mirred redirects what
 * arrives at our end of the cable to the uplink's ingress. nftables' egress hook, the last point before the wire,
 * sends the answers over the cable instead. No packet leaves the machine.
 *
 * If that fails, the client's cable is a network of its own; `shortfall` says what it cannot test.
 *
 * A process that holds our end of a pipe keeps the namespace, and an nft session owns the egress rule: when this
 * process ends, even by SIGKILL, the kernel removes both, and the cable too.
 */
import { readlinkSync } from 'node:fs';
import { MinidockError } from '../../../../runtime/errors.ts';
import { readProgram } from '../../../../runtime/plan/read-program.ts';
import type { Argv } from '../../../../runtime/plan/argv.ts';
import { look } from '../../host/look.ts';
import { bitsOf, familyOf, nftFamily } from '../family.ts';
import type { ClientNetwork } from './client-network.ts';
import { keepBeside, within, type Companion } from '../programs.ts';
import { ownTables } from '../own-tables.ts';
import { LAST } from '../tracing.ts';

const READY_MS = 3000;
/** Unused addresses: the cable's two ends have permanent neighbour entries. */
const HOST_MAC = '02:6d:64:79:00:01';
const CLIENT_MAC = '02:6d:64:79:00:02';

export interface Client {
  /** The PID of a process in its namespace. */
  readonly pid: number;
  readonly address: string;
  /** The host's end, by which the client reaches the host. */
  readonly gateway: string;
  /** The uplink, if its packets come in there; else ''. */
  readonly uplink: string;
  /** What this client cannot test, else ''. */
  readonly shortfall: string;
  end(): Promise<void>;
}

/**
 * @param uplink the interface to come in on, '' if there is none
 * @param straying another interface by which answers would leave, or '': they are dropped there
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
    const [atHost, atClient] = cable(network, link, holder.pid);
    const six = familyOf(network.host) === 6;
    const inside = ['nsenter', '-t', String(holder.pid), '-n'];
    const failed = apart
      ? ((await firstFailure(['ip'], atHost)) ??
        (await firstFailure([...inside, 'ip', `-${familyOf(network.host)}`], atClient)))
      : 'unshare --net';
    if (failed !== undefined) throw noClient(failed);
    const refused =
      uplink === '' ? 'no interface' : await enterBy(uplink, network, link, companions, straying);
    const onUplink = refused === undefined;
    if (!onUplink) {
      const add = `address add ${network.host}/${six ? '64' : '30'} dev ${link}${six ? ' nodad' : ''}`;
      const addressed = await firstFailure(['ip'], [add]);
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
      ? "no Ethernet interface with this address is the host's uplink"
      : `this host refuses: ${refused}`;
  return `The client does not come in on the uplink (${why}), so it does not test rules that name the uplink.`;
}

/** Words of `ip` for the cable: at the host's end, and at the client's. */
function cable(
  { host, client }: ClientNetwork,
  link: string,
  pid: number,
): readonly [atHost: readonly string[], atClient: readonly string[]] {
  const six = familyOf(client) === 6;
  // A namespace has addresses of its links as soon as they are up; nobody may hear of this one.
  const quiet = six ? ['link set eth0 addrgenmode none'] : [];
  return [
    [
      `link add ${link} address ${HOST_MAC} type veth peer name eth0 address ${CLIENT_MAC} netns ${pid}`,
      // No IPv6 address: it would send neighbour solicitations.
      `link set ${link} addrgenmode none`,
      `link set ${link} up`,
    ],
    [
      ...quiet,
      `address add ${client}/${bitsOf(familyOf(client))} dev eth0${six ? ' nodad' : ''}`,
      'link set eth0 up',
      `neigh add ${host} lladdr ${HOST_MAC} dev eth0 nud permanent`,
      `route add default via ${host} dev eth0 onlink`,
    ],
  ];
}

/** The egress rule first: without it an answer would go onto the wire. Returns the command that failed, if any. */
async function enterBy(
  uplink: string,
  { client }: ClientNetwork,
  link: string,
  companions: Companion[],
  straying: string,
): Promise<string | undefined> {
  // The prefix of the trace's table hides it from the trace.
  const table = `minidock_why_${process.pid}_client`;
  const to = `${nftFamily(familyOf(client))} daddr ${client}`;
  const redirect = `${to} ether daddr set ${CLIENT_MAC} fwd to "${link}"`;
  const egress = (name: string, device: string, rule: string): string =>
    `chain ${name} { type filter hook egress device "${device}" priority ${LAST}; ${rule}; }; `;
  const chain =
    egress('egress', uplink, redirect) + (straying === '' ? '' : egress('astray', straying, `${to} drop`));
  const owner = await ownTables(`add table netdev ${table} { flags owner; ${chain}}\n`, ['netdev', table]);
  companions.push(owner);
  if (!owner.hasThem) return 'nft has no egress hook';
  // Of IPv6 only the client's own packets: its kernel also sends what is about the link alone.
  const everything =
    familyOf(client) === 6
      ? `protocol ipv6 u32 match ip6 src ${client}/128`
      : 'protocol ip u32 match u32 0 0';
  return firstFailure(
    ['tc'],
    [
      `qdisc add dev ${link} clsact`,
      `filter add dev ${link} ingress ${everything} action mirred ingress redirect dev ${uplink}`,
    ],
  );
}

/** Of several commands of one program, the one that failed. No word of theirs has a blank in it. */
async function firstFailure(
  program: readonly string[],
  commands: readonly string[],
): Promise<string | undefined> {
  const input = `${commands.join('\n')}\n`;
  const argv = [...program, '-batch', '-'] as unknown as Argv;
  const { exitCode, stderr } = await readProgram(argv, { input });
  if (exitCode === 0) return undefined;
  const [, line = '1'] = /^Command failed -:(\d+)/m.exec(stderr) ?? [];
  return [...program, commands[Number(line) - 1]].join(' ');
}

const noClient = (step: string): MinidockError =>
  new MinidockError({
    code: 'NO_CLIENT',
    message: `cannot create a client outside of the host: ${step}`,
    exitCode: 125,
  });

/** Still our own namespace until `unshare` is done. */
function readNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return readlinkSync('/proc/self/ns/net');
  }
}
