/**
 * How a published port is served: by a rule; at the container's own address, on a routed network; or by minidock's relay
 * (src/engine/relay), which accepts the connection at the host's socket and makes another one to the container. Each of
 * these two is a journey of its own.
 */
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import type { PortBinding, Protocol } from '../../../runtime/network/types.ts';
import type { Container } from '../../engine/state/store.ts';
import { addressText } from '../../../runtime/network/host-address.ts';
import { familyOf, isLoopback } from './family.ts';
import { bad } from './findings.ts';
import type { Finding, Journey } from './model.ts';
import { asFamily } from './via.ts';

/** @param container with the addresses of both families */
export function relayOf(container: Container, binding: PortBinding, asked: string): Journey | undefined {
  const { address = '', address6, network } = container.state.network ?? {};
  const six = isIpv6Text(binding.hostIp);
  const redirected = six ? address6 !== undefined && asked !== '::1' : address !== '';
  const target = six ? (address6 ?? address) : address || (address6 ?? '');
  if (redirected || target === '') return undefined;
  if (six && network?.ipv6?.mode === 'routed' && binding.hostIp !== '::1') return undefined;
  const family = familyOf(target);
  return {
    ...{ from: { kind: 'host' }, family, protocol: binding.protocol, to: asFamily(container, family) },
    asked: { address: target, port: binding.containerPort },
  };
}

/** A routed network publishes ports at the container's own address, and at none of the host. */
export function routedAway(
  { config, state }: Container,
  { containerPort, hostPort, hostIp }: PortBinding,
): Finding | undefined {
  const { address6 = '', network } = state.network ?? {};
  if (network?.ipv6?.mode !== 'routed' || !isIpv6Text(hostIp) || hostIp === '::1') return undefined;
  const own = `${addressText(address6)}:${containerPort}`;
  return {
    ...{ stage: 'target', status: 'stop', code: 'routed' },
    text: `the network ${network.name} is routed: ${config.name} is published at its own address ${own}, and not at port ${hostPort} of the host`,
    look: ['minidock', 'network', 'inspect', network.name],
    fix: `Use ${own}: minidock why 'outside -> ${own}'.`,
  };
}

/** Where a port is published for another protocol or at another address. */
export function wrongBinding(
  { config }: Container,
  binding: PortBinding,
  protocol: Protocol,
  address: string,
): Finding {
  const { hostIp, hostPort, containerPort } = binding;
  const look = ['minidock', 'port', config.name] as const;
  if (binding.protocol !== protocol) {
    return {
      stage: 'target',
      status: 'stop',
      code: 'wrong-protocol',
      text: `${config.name} publishes ${hostPort}/${binding.protocol}, not ${protocol}`,
      look,
      fix: `Run it with -p ${hostPort}:${containerPort}/${protocol}, or ask for :${hostPort}/${binding.protocol}.`,
    };
  }
  return {
    stage: 'target',
    status: 'stop',
    code: 'other-address',
    text:
      `${config.name} publishes port ${hostPort} on ${hostIp} only, not on ${address || 'the wire'}` +
      (isLoopback(hostIp) ? `; other machines and containers cannot reach ${hostIp}` : ''),
    look,
    fix: `Run it with -p ${hostPort}:${containerPort}, for every address of the host.`,
  };
}

/** A port is published at an address that this host has lost. */
export function goneAddress(
  address: string,
  port: number,
  protocol: Protocol,
  containers: readonly Container[],
): Finding | undefined {
  const owner = containers.find(({ state }) =>
    (state.network?.ports ?? []).some(
      (one) => one.hostIp === address && one.hostPort === port && one.protocol === protocol,
    ),
  );
  if (owner === undefined) return undefined;
  const text = `${owner.config.name} publishes port ${port} on ${address}, and this host does not have that address any more`;
  const fix = `Give it to the interface again that had it: ip address add ${address} dev INTERFACE`;
  return { ...bad('target', 'address-gone', text, ['ip', '-br', 'address']), fix };
}
