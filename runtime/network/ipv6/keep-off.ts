/**
 * No IPv6 on what minidock plugs into the host, unless a network has it. A kernel with IPv6 speaks it on every new
 * interface and believes the first router that it hears there: a container with CAP_NET_RAW, which is a default one,
 * would give the host an address and a default route (CVE-2020-13401). A port of a bridge needs it as much as the
 * bridge: frames for 01:80:c2:00:00:0e (LLDP) are the port's own.
 *
 * Two switches, as Docker has them. The first makes the kernel drop each IPv6 packet before any program sees it. But
 * `sysctl net.ipv6.conf.all.disable_ipv6=0` turns IPv6 back on everywhere, and then the second still holds.
 */
import { existsSync } from 'node:fs';
import type { HostStep } from '../../plan/step.ts';

/** Whether this network namespace has IPv6 at all: the kernel may be built or booted without. */
export const hasIpv6 = (): boolean => existsSync('/proc/sys/net/ipv6/conf');

export interface WithoutIpv6 {
  /** What the steps are about: 'bridge', 'veth'. */
  readonly noun: 'bridge' | 'veth';
  readonly interfaceName: string;
  /** The beginning of a sentence. */
  readonly reason?: string;
  /** Why no packet comes in before both sysctls are set. */
  readonly order: string;
  readonly undo: HostStep['undo'];
}

export function planWithoutIpv6(input: WithoutIpv6): readonly HostStep[] {
  const { noun, interfaceName, reason = 'The network is IPv4', order } = input;
  return [
    {
      id: `${noun}.disable-ipv6`,
      title: `Keep IPv6 off ${interfaceName}`,
      why:
        `${reason}, but the kernel gives every interface that comes up an IPv6 address and listens there. ` +
        `With this it drops each IPv6 packet that comes in. ${order}`,
      without:
        'A container reaches services of the host by IPv6, past IPv4 firewall rules, and can claim to be a ' +
        'router.',
      ...setting(input, 'disable_ipv6', '1'),
    },
    planRefusal(input),
  ];
}

export function planRefusal(input: Pick<WithoutIpv6, 'noun' | 'interfaceName' | 'undo'>): HostStep {
  const { noun, interfaceName } = input;
  return {
    id: `${noun}.refuse-routers`,
    title: `Ignore router advertisements on ${interfaceName}`,
    why:
      'A host that accepts a router advertisement takes an address and a default route from it, and any ' +
      'container may send one. This setting still holds after IPv6 is turned on again everywhere ' +
      '(net.ipv6.conf.all.disable_ipv6=0).',
    without:
      'If IPv6 is turned on again, one packet makes a container the default router of this host ' +
      '(CVE-2020-13401).',
    ...setting(input, 'accept_ra', '0'),
  };
}

const setting = (
  { noun, interfaceName, undo }: Pick<WithoutIpv6, 'noun' | 'interfaceName' | 'undo'>,
  file: string,
  text: string,
): Pick<HostStep, 'section' | 'command' | 'undo' | 'check' | 'observe'> => {
  const path = `/proc/sys/net/ipv6/conf/${interfaceName}/${file}`;
  return {
    section: noun,
    command: { kind: 'write', path, text },
    undo,
    ...(undo.kind === 'shared' ? { check: { kind: 'file-contains', path, text } } : {}),
    observe: ['cat', path],
  };
};
