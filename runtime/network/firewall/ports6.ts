/** Which published ports are rules of IPv6, whichever tool writes them. */
import type { HostStep } from '../../plan/step.ts';
import { isIpv6Text } from '../../syscall/inet.ts';
import type { BridgeEndpoint, PortBinding } from '../types.ts';
import { describeGroup, rangeText, type PortGroup } from './port-groups.ts';

export const ports4 = ({
  ports,
  address,
}: Pick<BridgeEndpoint, 'ports' | 'address'>): readonly PortBinding[] =>
  address === '' ? [] : ports.filter(({ hostIp }) => !isIpv6Text(hostIp));

/** Not those at ::1, nor any of a container without IPv6: sockets of the host serve them (src/engine/relay). */
export const ports6 = ({
  ports,
  address6,
}: Pick<BridgeEndpoint, 'ports' | 'address6'>): readonly PortBinding[] =>
  address6 === undefined ? [] : ports.filter(({ hostIp }) => isIpv6Text(hostIp) && hostIp !== '::1');

/** As publishing(), for a network whose addresses others know a way to. */
export const opening = (group: PortGroup, address6: string): Pick<HostStep, 'id' | 'section' | 'title'> => ({
  id: `port.publish:${describeGroup(group)}`,
  section: 'ports',
  title: `Open ${rangeText(group.containerPort, group.count)}/${group.protocol} of ${address6}`,
});
