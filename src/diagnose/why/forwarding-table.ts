/**
 * Entries that somebody typed into a bridge's forwarding table (bridge(8)): the bridge sends the frames for a hardware
 * address to that port, and learns nothing else, even if the machine is at another one.
 */
import type { FdbEntry, IpLink } from '../host/ip.ts';
import { bad } from './findings.ts';
import type { Finding } from './model.ts';
import type { Scene } from './observe.ts';
import { hostEnd } from './physical.ts';
import type { Stack } from './stack.ts';

/** Of the machines on the way, by the interface that each uses. */
export function checkForwardingTable(
  { host, forwardingTable }: Scene,
  ends: readonly (readonly [stack: Stack | undefined, ifname: string | undefined])[],
): readonly Finding[] {
  const ports = ends.flatMap(([stack, ifname]) => {
    const link = stack?.interfaces.find((one) => one.ifname === ifname);
    const port = hostEnd(link, host);
    const { address } = link ?? {};
    return stack === undefined || address === undefined || port?.master === undefined
      ? []
      : [{ stack, address, port, bridge: port.master }];
  });
  for (const { stack, address, port, bridge } of ports) {
    const wrong = forwardingTable.find(
      ({ mac, ifname, master, state }) =>
        mac === address &&
        (master === bridge || ifname === bridge) &&
        (state === 'static' || state === 'permanent') &&
        // A permanent entry is an address of the bridge itself; what the host sends goes to its port all the same.
        (ifname !== port.ifname || (state === 'permanent' && ports.length > 1)),
    );
    if (wrong !== undefined) return [astray(stack, wrong, port, bridge)];
    const isKnown = forwardingTable.some((one) => one.mac === address && one.ifname === port.ifname);
    if (port.linkinfo?.info_slave_data?.locked === true && !isKnown) return [locked(stack, address, port)];
  }
  return [];
}

function astray(stack: Stack, { mac, ifname, state = '' }: FdbEntry, port: IpLink, bridge: string): Finding {
  const where = ifname === bridge || state === 'permanent' ? 'the bridge itself' : `the port ${ifname}`;
  const text = `an entry of the forwarding table of ${bridge} that somebody typed (${state}) says that ${mac} is at ${where}, and ${stack.name}, which has that address, is at ${port.ifname}`;
  // It may be gone already: a frame of that machine moves an entry that is not sticky.
  const fix = `bridge fdb replace ${mac} dev ${port.ifname} master dynamic`;
  return { ...bad('bridge', 'wrong-port', text, ['bridge', 'fdb', 'show', 'br', bridge]), fix };
}

/** Of 802.1X: such a port takes frames only from machines that the table names. */
function locked(stack: Stack, address: string, { ifname }: IpLink): Finding {
  const text = `the port ${ifname} of its bridge is locked: it takes no frame from ${stack.name}, whose hardware address ${address} is not in the forwarding table`;
  const fix = `bridge link set dev ${ifname} locked off learning on`;
  return { ...bad('bridge', 'port-locked', text, ['bridge', '-d', 'link', 'show', 'dev', ifname]), fix };
}
