/** Flows that the kernel remembers from an earlier owner: see runtime/syscall/conntrack.ts. */
import type { HostStep } from '../plan/step.ts';
import { groupPorts } from './firewall/port-groups.ts';
import { ports4, ports6 } from './firewall/ports6.ts';
import type { BridgeEndpoint, PortBinding } from './types.ts';

/** After the ports are published; its undo comes after they are withdrawn (undo.ts). */
export const planFlows = (endpoint: BridgeEndpoint): readonly HostStep[] => [
  ...planForgetting('flows.forget', ports4(endpoint), endpoint.address),
  ...planForgetting('flows.forget:IPv6', ports6(endpoint), endpoint.address6 ?? ''),
];

function planForgetting(id: string, ports: readonly PortBinding[], address: string): readonly HostStep[] {
  const udp = groupPorts(ports.filter(({ protocol }) => protocol === 'udp')).map(
    ({ hostIp, hostPort, count }) => ({ hostIp, first: hostPort, count }),
  );
  if (udp.length === 0) return [];
  return [
    {
      id,
      section: 'ports',
      title: 'Forget flows to the UDP ports from before they were published',
      why:
        'conntrack decides for the first packet of a flow and remembers it for as long as the client goes on ' +
        'sending. An older flow keeps its old destination. After its entry is deleted, its next packet starts a ' +
        'new flow. TCP does not need this: each connection is a new flow.',
      without: 'The host keeps refusing a client that never pauses, although the port is published now.',
      command: { kind: 'forget-flows', of: { udp } },
      undo: { kind: 'command', command: { kind: 'forget-flows', of: { address } } },
      observe: ['conntrack', '-L', '-p', 'udp'],
    },
  ];
}
