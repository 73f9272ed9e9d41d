/**
 * Which published ports others can reach. A port published without an address is open on every interface of the host,
 * and a firewall for the host's own programs does not close it. Docker has surprised many by that.
 */
import { addressText } from '../../../runtime/network/host-address.ts';
import type { FirewallBackend, PortBinding } from '../../../runtime/network/types.ts';
import { ipv4AddressesOf } from '../host/ip.ts';
import type { FirewallReport } from './firewall.ts';
import { ok, type Finding } from './finding.ts';
import type { View } from './view.ts';

export function examinePorts(view: View, firewall: FirewallReport): readonly Finding[] {
  const findings = view.running.flatMap(({ config, state }) =>
    (state.network?.ports ?? []).map((port) =>
      examinePort(port, config.name, view, firewall, config.spec.network.firewall),
    ),
  );
  return findings.length === 0 ? [ok('ports.none', 'no port is published')] : findings;
}

function examinePort(
  port: PortBinding,
  name: string,
  view: View,
  firewall: FirewallReport,
  backend: FirewallBackend,
): Finding {
  const blocking = firewall.blocking(backend, port.hostIp);
  const { believed } = firewall;
  const { hostIp, hostPort, containerPort, protocol } = port;
  const id = `ports.published:${hostIp}:${String(hostPort)}/${protocol}`;
  const what = `${addressText(hostIp)}:${String(hostPort)}/${protocol} is ${String(containerPort)} of ${name}`;
  if (hostIp.startsWith('127.') || hostIp === '::1') return ok(id, `${what}, only for this host`);
  if (blocking.length > 0)
    return ok(id, `${what}; others cannot reach it: ${blocking.join(', ')} drops their packets`);
  const open = `${what}, open to everyone who reaches ${everywhere(hostIp, view) ?? hostIp}`;
  if (believed === undefined || backend === 'nftables') return ok(id, open);
  return {
    id,
    level: 'warning',
    what: `${open}, although ${believed} is on`,
    means:
      `Redirected packets bypass the rules of ${believed} for this host's own ports: it neither allows nor denies ` +
      'this port.',
    todo: [
      `Publish it only for this host: -p ${hostIp.includes(':') ? '[::1]' : '127.0.0.1'}:${String(hostPort)}:${String(containerPort)}`,
    ],
  };
}

function everywhere(hostIp: string, view: View): string | undefined {
  if (hostIp === '::') return 'any IPv6 address of this host';
  return hostIp === '0.0.0.0' ? reachable(view) : undefined;
}

function reachable({ links, networks }: View): string {
  const own = links
    .filter(({ ifname }) => !networks.some(({ bridge }) => bridge === ifname))
    .flatMap(ipv4AddressesOf)
    .filter(({ local }) => !local.startsWith('127.'));
  return own.length === 0 ? 'any address of this host' : own.map(({ local }) => local).join(', ');
}
