/** Whether the host forwards a certain packet, as a rule at forward counts it: whichever rule brought it there. */
import type { LabHost } from '../lesson.ts';

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
