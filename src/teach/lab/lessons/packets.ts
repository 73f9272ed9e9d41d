/**
 * Checks with real packets: the counters that the kernel keeps for each network namespace, and rules that only count.
 * They show who answered and where a packet arrived, whichever solution the learner chose, even if another process
 * poses as the server.
 */
import type { LabHost, Requirement } from '../lesson.ts';

/** One number of /proc/net/snmp (RFC 1213's names): 'Tcp', 'PassiveOpens'. `netns` undefined is the lab's host. */
export async function counterOf(
  host: LabHost,
  protocol: 'Icmp' | 'Tcp' | 'Udp' | 'Ip',
  name: string,
  netns?: string,
): Promise<number> {
  const { stdout } = await host.run(['cat', '/proc/net/snmp'], netns === undefined ? {} : { netns });
  return countIn(stdout, protocol, name);
}

/** The file has a line of names and one of values for each protocol. */
export function countIn(snmp: string, protocol: string, name: string): number {
  const [names = '', values = ''] = snmp.split('\n').filter((line) => line.startsWith(`${protocol}:`));
  return Number(values.split(' ')[names.split(' ').indexOf(name)] ?? 0);
}

/** The number of answered ICMP echo requests of a namespace. */
export const echoReplies = (host: LabHost, netns: string): Promise<number> =>
  counterOf(host, 'Icmp', 'InEchoReps', netns);

/** The number of ICMP echo requests that a namespace received. */
export const echoRequests = (host: LabHost, netns: string): Promise<number> =>
  counterOf(host, 'Icmp', 'InEchos', netns);

/** The right namespace answers a ping: its counter of requests grows. */
export async function pingReaches(
  host: LabHost,
  address: string,
  { from, by }: { readonly from?: string; readonly by: string },
): Promise<boolean> {
  const before = await echoRequests(host, by);
  const answered = await host.ping(address, from === undefined ? {} : { netns: from });
  return answered && (await echoRequests(host, by)) > before;
}

/**
 * Whether a ping of the internet arrives there with this source address, as a host in between gave it. Counted before
 * any translation of the receiver's own; undefined without nft.
 */
export async function arrivesAs(
  host: LabHost,
  source: string,
  { from, netns }: { readonly from: string; readonly netns: string },
): Promise<boolean | undefined> {
  const chain = `chain look { type filter hook prerouting priority -400; icmp type echo-request ip saddr ${source} counter; }`;
  const made = await host.run(['nft', `table ip minidock_source { ${chain}; }`], { netns });
  if (made.status !== 0) return undefined;
  try {
    await host.ping('198.51.100.7', { netns: from });
    const { stdout } = await host.run(['nft', 'list', 'table', 'ip', 'minidock_source'], { netns });
    return /counter packets [1-9]/.test(stdout);
  } finally {
    await host.run(['nft', 'delete', 'table', 'ip', 'minidock_source'], { netns });
  }
}

export interface Attempt {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** The namespace that sends. */
  readonly from: string;
  /** The namespace that would get it. */
  readonly to: string;
  readonly address: string;
  /** All are tried; none of 'icmp'. */
  readonly ports?: readonly number[];
  /** TCP packets that claim to belong to a connection, of which there is none: an ACK each. */
  readonly alone?: true;
}

/** Ports that are open to nobody in any lesson: on both sides of the usual ones, and some that rules often name. */
export const CLOSED: Readonly<Record<'tcp' | 'udp', readonly number[]>> = {
  tcp: [22, 79, 443, 8443, 65_000],
  udp: [53, 123, 4500],
};

/** Whether a packet arrives in a namespace, with or without an answer or a listener. */
async function arrives(host: LabHost, attempt: Attempt): Promise<boolean> {
  const { protocol, from, to, address } = attempt;
  if (protocol === 'icmp') {
    const before = await echoRequests(host, to);
    await host.ping(address, { netns: from });
    return (await echoRequests(host, to)) > before;
  }
  const send = attempt.alone === true ? asAcknowledgements(host, attempt) : () => knock(host, attempt);
  return counted(host, attempt, { netns: to, hook: 'prerouting priority -400' }, async () => {
    // On a busy machine a second may be too short for all to leave. Where the sender's own rules stop them, none ever does.
    for (let tries = 1; !(await leaves(host, attempt, send)) && tries < 3; tries += 1);
  });
}

/** The sender's own rule makes an ACK of each SYN, after it has followed the connection itself. */
function asAcknowledgements(host: LabHost, attempt: Attempt): () => Promise<unknown> {
  const { from, ports = [] } = attempt;
  const rule = `tcp dport { ${ports.join(', ')} } tcp flags set ack`;
  const chain = `chain turn { type filter hook postrouting priority 2147483645; ${rule}; }`;
  return async () => {
    await host.run(['nft', `table ip minidock_turn { ${chain}; }`], { netns: from });
    try {
      await knock(host, attempt);
    } finally {
      await host.run(['nft', 'delete', 'table', 'ip', 'minidock_turn'], { netns: from });
    }
  };
}

/** A try at all of the ports at once, for a second: what is let through has come by then. */
function knock(host: LabHost, { protocol, from, address, ports = [] }: Attempt): Promise<unknown> {
  const word = protocol === 'tcp' ? ':' : 'echo';
  const each = ports.map((port) => `${word} 2>/dev/null >/dev/${protocol}/${address}/${String(port)} &`);
  // All of its group ends with it.
  return host.run(['timeout', '1', 'bash', '-c', `${each.join(' ')} wait`], { netns: from });
}

/** Whether what is sent to each of the ports leaves its sender: what never left shows nothing of those on its way. */
export async function leaves(
  host: LabHost,
  attempt: Attempt,
  send = (): Promise<unknown> => knock(host, attempt),
): Promise<boolean> {
  const { from, ports = [] } = attempt;
  const last = { netns: from, hook: 'postrouting priority 2147483646', least: ports.length };
  return counted(host, attempt, last, send);
}

/**
 * Counted by a rule that is there for just as long: the counters of TCP would also count what is left of connections
 * that are allowed, which comes when it likes on a busy machine.
 */
async function counted(
  host: LabHost,
  { protocol, ports = [] }: Attempt,
  { netns, hook, least = 1 }: { readonly netns: string; readonly hook: string; readonly least?: number },
  send: () => Promise<unknown>,
): Promise<boolean> {
  // One way's sender can be another's receiver.
  const table = `minidock_${hook.split(' ')[0] ?? ''}_${protocol}`;
  const rule = `${protocol} dport { ${ports.join(', ')} } counter`;
  const made = await host.run(
    ['nft', `table ip ${table} { chain look { type filter hook ${hook}; ${rule}; }; }`],
    {
      netns,
    },
  );
  if (made.status !== 0) return hasGrown(host, protocol, netns, send);
  try {
    await send();
    const { stdout } = await host.run(['nft', 'list', 'table', 'ip', table], { netns });
    return Number(/counter packets (\d+)/.exec(stdout)?.[1] ?? 0) >= least;
  } finally {
    await host.run(['nft', 'delete', 'table', 'ip', table], { netns });
  }
}

/** Where there is no nft. */
async function hasGrown(
  host: LabHost,
  protocol: Attempt['protocol'],
  netns: string,
  send: () => Promise<unknown>,
): Promise<boolean> {
  const names = protocol === 'tcp' ? ['InSegs', 'OutSegs'] : ['NoPorts', 'InDatagrams', 'OutDatagrams'];
  const received = async (): Promise<number> => {
    let sum = 0;
    for (const name of names) sum += await counterOf(host, protocol === 'tcp' ? 'Tcp' : 'Udp', name, netns);
    return sum;
  };
  const before = await received();
  await send();
  return (await received()) > before;
}

/** None of these comes through. Each is of another protocol, and so has a table of its own; those alone come later. */
export function nothingArrives(text: string, attempts: readonly Attempt[]): Requirement {
  const tried = async (host: LabHost, some: readonly Attempt[]): Promise<boolean> =>
    (await Promise.all(some.map((attempt) => arrives(host, attempt)))).includes(true);
  return {
    text,
    holds: async (host) =>
      !(await tried(
        host,
        attempts.filter(({ alone }) => alone !== true),
      )) &&
      !(await tried(
        host,
        attempts.filter(({ alone }) => alone === true),
      )),
  };
}

/** Each comes through, at every port; none of 'icmp'. Each is of another protocol. */
export function allArrive(text: string, attempts: readonly Attempt[]): Requirement {
  const holds = async (host: LabHost): Promise<boolean> => {
    const came = await Promise.all(attempts.map((attempt) => arrivesAtEach(host, attempt)));
    return !came.includes(false);
  };
  return { text, holds };
}

async function arrivesAtEach(host: LabHost, attempt: Attempt): Promise<boolean> {
  const { protocol, to, ports = [] } = attempt;
  const table = `minidock_each_${protocol}`;
  const rules = ports.map((port) => `${protocol} dport ${String(port)} counter;`).join(' ');
  const chain = `chain look { type filter hook prerouting priority -400; ${rules} }`;
  const made = await host.run(['nft', `table ip ${table} { ${chain}; }`], { netns: to });
  if (made.status !== 0) return hasGrown(host, protocol, to, () => knock(host, attempt));
  try {
    // On a busy machine a second may be too short for all of them.
    for (let tries = 0; tries < 3; tries += 1) {
      await knock(host, attempt);
      const { stdout } = await host.run(['nft', 'list', 'table', 'ip', table], { netns: to });
      if (!stdout.includes('counter packets 0 ')) return true;
    }
    return false;
  } finally {
    await host.run(['nft', 'delete', 'table', 'ip', table], { netns: to });
  }
}

/** What a namespace sends to an address meanwhile has the source port of a web server, as an answer would. */
export async function fromPort80<T>(
  host: LabHost,
  { netns, address }: { readonly netns: string; readonly address: string },
  send: () => Promise<T>,
): Promise<T> {
  const rule = `ip daddr ${address} tcp sport set 80`;
  const chain = `chain look { type filter hook postrouting priority 2147483640; ${rule}; }`;
  await host.run(['nft', `table ip minidock_port { ${chain}; }`], { netns });
  try {
    return await send();
  } finally {
    await host.run(['nft', 'delete', 'table', 'ip', 'minidock_port'], { netns });
  }
}
