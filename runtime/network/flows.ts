/** Flows that the kernel remembers although they were decided for somebody else: see runtime/syscall/conntrack.ts. */
import type { HostStep } from '../plan/step.ts';
import { groupPorts } from './firewall/port-groups.ts';
import type { BridgeEndpoint } from './types.ts';

/** After the ports are published; its undo comes after they are withdrawn (undo.ts). */
export function planFlows({ address, ports }: BridgeEndpoint): readonly HostStep[] {
  const udp = groupPorts(ports.filter(({ protocol }) => protocol === 'udp')).map(
    ({ hostIp, hostPort, count }) => ({ hostIp, first: hostPort, count }),
  );
  if (udp.length === 0) return [];
  return [
    {
      id: 'flows.forget',
      section: 'ports',
      title: 'Forget flows to the UDP ports from before they were published',
      why:
        'conntrack decides for the first packet of a flow and remembers it for as long as the client goes on sending. ' +
        'A flow from before goes where it went then. Forgotten, its next packet is the first of a new flow. TCP needs ' +
        'no such thing: each connection begins anew.',
      without: 'A client that never pauses goes on being refused, although the port is published now.',
      command: { kind: 'forget-flows', of: { udp } },
      undo: { kind: 'command', command: { kind: 'forget-flows', of: { address } } },
      observe: ['conntrack', '-L', '-p', 'udp'],
    },
  ];
}
