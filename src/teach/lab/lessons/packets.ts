/**
 * What real packets leave behind: the counters that the kernel keeps for each network namespace, and rules that only
 * count. They tell who answered and where a packet came, whatever the learner made it come there by, and however well
 * something else pretends to be the one who was asked.
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

/** Of all ICMP echo requests that a namespace ever sent, those that were answered. */
export const echoReplies = (host: LabHost, netns: string): Promise<number> =>
  counterOf(host, 'Icmp', 'InEchoReps', netns);

/** The ICMP echo requests that a namespace ever got. */
export const echoRequests = (host: LabHost, netns: string): Promise<number> =>
  counterOf(host, 'Icmp', 'InEchos', netns);

/** A ping is answered, and by the namespace that is meant: its own counter of requests grows. */
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

/** Whether a packet comes through to a namespace, answered or not, and whether or not somebody listens there. */
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

/** None of these comes through. Each is of another protocol, so that one is not counted for another. */
export function nothingArrives(text: string, attempts: readonly Attempt[]): Requirement {
  return {
    text,
    holds: async (host) =>
      !(await Promise.all(attempts.map((attempt) => arrives(host, attempt)))).includes(true),
  };
}

/** A packet as the host forwards it: after PREROUTING has had its say, and before a filter may drop it. */
export interface Forwarded {
  readonly source?: string;
  readonly address: string;
  readonly port: number;
  /** Where it was sent to in the first place. */
  readonly sentTo?: { readonly address: string; readonly port: number };
}

/** Whether `send` makes the host forward such a packet. The rule that counts is there for just as long. */
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

/** Where there is no nft. The table mangle comes before filter, and after the translation of destinations. */
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
