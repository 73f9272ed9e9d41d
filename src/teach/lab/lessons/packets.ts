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

export interface Attempt {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** The namespace that sends. */
  readonly from: string;
  /** The namespace that would get it. */
  readonly to: string;
  readonly address: string;
  readonly port?: number;
}

/** Whether a packet arrives in a namespace, with or without an answer or a listener. */
export async function arrives(host: LabHost, attempt: Attempt): Promise<boolean> {
  const { protocol, from, to, address, port = 0 } = attempt;
  const received = async (): Promise<number> => {
    if (protocol === 'icmp') return echoRequests(host, to);
    if (protocol === 'tcp') return counterOf(host, 'Tcp', 'InSegs', to);
    return (await counterOf(host, 'Udp', 'NoPorts', to)) + (await counterOf(host, 'Udp', 'InDatagrams', to));
  };
  const before = await received();
  if (protocol === 'icmp') await host.ping(address, { netns: from });
  else {
    const script = `${protocol === 'tcp' ? ':' : 'echo'} 2>/dev/null >/dev/${protocol}/${address}/${port}`;
    await host.run(['timeout', '1', 'bash', '-c', script], { netns: from });
  }
  return (await received()) > before;
}

/** None of these packets arrives. Each uses another protocol, so that no counter mixes them up. */
export function nothingArrives(text: string, attempts: readonly Attempt[]): Requirement {
  return {
    text,
    holds: async (host) =>
      !(await Promise.all(attempts.map((attempt) => arrives(host, attempt)))).includes(true),
  };
}

/** A packet as the host forwards it: after PREROUTING, before any filter. */
export interface Forwarded {
  readonly source?: string;
  readonly address: string;
  readonly port: number;
  /** Its original destination. */
  readonly sentTo?: { readonly address: string; readonly port: number };
}

/** Whether `send` makes the host forward such a packet. A counting rule exists only during the call. */
export async function isForwarded(
  host: LabHost,
  packet: Forwarded,
  send: () => Promise<unknown>,
): Promise<boolean> {
  const table = 'minidock_look';
  const { source, address, port, sentTo } = packet;
  const nft = [
    ...(source === undefined ? [] : [`ip saddr ${source}`]),
    `ip daddr ${address} tcp dport ${port}`,
    ...(sentTo === undefined
      ? []
      : [`ct original ip daddr ${sentTo.address} ct original proto-dst ${sentTo.port}`]),
  ].join(' ');
  const body = `chain look { type filter hook forward priority -400; ${nft} counter; }`;
  const made = await host.run(['nft', `table ip ${table} { ${body}; }`]);
  if (made.status !== 0) return isForwardedByIptables(host, packet, send);
  try {
    await send();
    const { stdout } = await host.run(['nft', 'list', 'table', 'ip', table]);
    return /counter packets [1-9]/.test(stdout);
  } finally {
    await host.run(['nft', 'delete', 'table', 'ip', table]);
  }
}

/** For hosts without nft. The table mangle comes after DNAT and before filter. */
async function isForwardedByIptables(
  host: LabHost,
  { source, address, port, sentTo }: Forwarded,
  send: () => Promise<unknown>,
): Promise<boolean> {
  const rule = [
    ...(source === undefined ? [] : ['-s', source]),
    ...['-d', address, '-p', 'tcp', '--dport', String(port)],
    ...(sentTo === undefined
      ? []
      : ['-m', 'conntrack', '--ctorigdst', sentTo.address, '--ctorigdstport', String(sentTo.port)]),
  ];
  await host.run(['iptables', '-w', '-t', 'mangle', '-I', 'FORWARD', '1', ...rule]);
  await send();
  const { stdout } = await host.run(['iptables', '-w', '-t', 'mangle', '-nvxL', 'FORWARD', '1']);
  await host.run(['iptables', '-w', '-t', 'mangle', '-D', 'FORWARD', ...rule]);
  return /^\s*[1-9]/.test(stdout);
}
