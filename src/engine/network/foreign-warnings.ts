/** What to type where a firewall of somebody else's drops what containers send (runtime/network/firewall/foreign.ts). */
import { concerns, type ForeignFirewall } from '../../../runtime/network/firewall/foreign.ts';
import type { BridgeNetwork, FirewallBackend } from '../../../runtime/network/types.ts';

/** One warning for each firewall that will drop the containers' traffic. */
export function warnOfForeign(
  foreign: readonly ForeignFirewall[],
  backend: FirewallBackend,
  network: Pick<BridgeNetwork, 'bridge' | 'subnet' | 'ipv6'>,
): readonly string[] {
  const { bridge } = network;
  return foreign.flatMap((other) => {
    if (!concerns(other, network)) return [];
    switch (other.kind) {
      case 'docker':
        return [];
      case 'ufw':
        return backend === 'iptables'
          ? []
          : [
              `ufw drops forwarded packets, so containers reach no other host; allow them with: ` +
                `ufw route allow in on ${bridge} && ufw route allow out on ${bridge}`,
            ];
      case 'firewalld':
        return [
          `firewalld may reject what containers send; allow them with: ` +
            `firewall-cmd --zone=trusted --change-interface=${bridge}`,
        ];
      case 'chain':
        return backend === 'iptables' && other.table === 'filter' && other.chain === 'FORWARD'
          ? []
          : [
              `chain ${other.chain} of table ${other.family} ${other.table} drops forwarded packets${other.family === 'ip6' ? ' of IPv6' : ''}, so containers ` +
                'reach no other host and published ports only work from this one; accept packets from and to ' +
                `${bridge} there${other.chain === 'FORWARD' ? ', or run with --firewall=iptables' : ''}`,
            ];
    }
  });
}
