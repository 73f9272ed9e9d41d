/**
 * A rule at the output hook that redirects 127.0.0.1 to another machine: the packet keeps its source, 127.0.0.1, and
 * the kernel routes that address to no interface but lo, unless route_localnet of the interface is on (ip-sysctl). The
 * rule itself then drops the packet, and the trace names no drop.
 */
import { readFileSync } from 'node:fs';
import { readRouteTo } from '../host/ip.ts';
import { bad } from './findings.ts';
import type { Finding, TraceEvent } from './model.ts';
import type { Scene } from './observe.ts';
import { lastSeen } from './trace.ts';

const SETTINGS = '/proc/sys/net/ipv4/conf';

/** The interface that the packet could not leave by; undefined where that is not why. */
export async function strandedOnLoopback(
  { journey, final }: Scene,
  trace: readonly TraceEvent[],
  sourcePort: number,
): Promise<string | undefined> {
  const last = lastSeen(trace, sourcePort, 'there');
  if (last === undefined || last.kind === 'leave' || last.hook !== 'output') return undefined;
  if (!last.packet.source.startsWith('127.')) return undefined;
  // minidock's own rule looks the address up in a map.
  const [, named] = /\b(?:dnat|DNAT).*?\bto(?:-destination)?:? ?(\d+(?:\.\d+){3})/.exec(last.rule) ?? [];
  const target = named ?? (journey.published === undefined ? undefined : final?.address);
  if (target === undefined) return undefined;
  const dev = (await readRouteTo([], target))?.dev;
  return dev === undefined || dev === 'lo' || isOn('all') || isOn(dev) ? undefined : dev;
}

/** The answer would not come back either: the packet needs another source, which minidock's own rules give it. */
export function localnetOff({ journey }: Scene, dev: string): Finding {
  const setting = `${SETTINGS}/${dev}/route_localnet`;
  const text =
    `a rule redirects the packet from 127.0.0.1 to another machine by ${dev}, and the kernel lets nothing from ` +
    '127.0.0.1 leave there: its route_localnet is 0';
  const on = `echo 1 > ${setting}`;
  const fix =
    journey.published === undefined
      ? `${on} && iptables -t nat -A POSTROUTING -s 127.0.0.0/8 -o ${dev} -j MASQUERADE`
      : on;
  return { ...bad('sender', 'localnet-off', text, ['cat', setting]), fix };
}

function isOn(ifname: string): boolean {
  try {
    return readFileSync(`${SETTINGS}/${ifname}/route_localnet`, 'utf8').trim() !== '0';
  } catch {
    return true; // The interface has gone.
  }
}
