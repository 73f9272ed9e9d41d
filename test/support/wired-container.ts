/**
 * A container as the network sees one: a namespace wired by the plan's own steps, with servers in it that answer
 * `NAME saw CLIENT` over HTTP and UDP, so that a test can tell who answered and whom they took the client for.
 */
import { planBridgeEndpoint } from '../../runtime/network/plan.ts';
import { macFromAddress } from '../../runtime/network/mac.ts';
import { hostVethName, netnsName } from '../../runtime/network/names.ts';
import type {
  BridgeEndpoint,
  BridgeNetwork,
  FirewallBackend,
  PortBinding,
} from '../../runtime/network/types.ts';
import type { ForeignFirewall } from '../../runtime/network/firewall/foreign.ts';
import type { HostStep } from '../../runtime/plan/step.ts';
import type { TestHost, Where } from './host/host.ts';
import type { Background, RunResult } from './host/processes.ts';
import { runSteps } from './kernel/step-runner.ts';

export interface WiredContainer {
  readonly endpoint: BridgeEndpoint;
  readonly steps: readonly HostStep[];
  run(argv: readonly string[]): Promise<RunResult>;
  /** Where `host.spawn` and `serve` take it. */
  readonly where: Where;
}

export function bridgeNetwork(index: number): BridgeNetwork {
  return {
    id: String(index).repeat(64),
    name: index === 0 ? 'bridge' : `net${index}`,
    bridge: `minidock${index}`,
    subnet: `172.${17 + index}.0.0/16`,
    gateway: `172.${17 + index}.0.1`,
    created: '2024-01-01T00:00:00Z',
  };
}

export function bridgeEndpoint(
  network: BridgeNetwork,
  last: number,
  firewall: FirewallBackend,
  ports: readonly PortBinding[] = [],
): BridgeEndpoint {
  const address = network.gateway.replace(/1$/, String(last));
  const containerId = `${network.id.slice(0, 4)}${String(last).padStart(4, '0')}`.padEnd(64, 'a');
  return {
    containerId,
    netns: netnsName(containerId),
    network,
    address,
    macAddress: macFromAddress(address),
    hostVeth: hostVethName(containerId),
    interfaceName: 'eth0',
    ports,
    firewall,
    ipv6: true,
  };
}

export async function wireContainer(
  host: TestHost,
  endpoint: BridgeEndpoint,
  foreign: readonly ForeignFirewall[] = [],
): Promise<WiredContainer> {
  const steps = planBridgeEndpoint(endpoint, foreign);
  await runSteps(host, steps);
  return {
    endpoint,
    steps,
    run: (argv) => host.inNetns(endpoint.netns, argv),
    where: { netns: endpoint.netns },
  };
}

/**
 * Starts the servers and returns once they listen, at 'tcp:80', 'udp:53', 'tcp:127.0.0.1:80'; 'mute:53' is UDP and answers
 * nothing; 'tcp6:80' and 'udp6:53' serve IPv6 alone.
 */
export async function serve(
  host: TestHost,
  where: Where,
  name: string,
  ...places: readonly string[]
): Promise<Background> {
  const server = host.spawn([process.execPath, '-e', SERVER, '--', name, ...places], where);
  await server.waitForOutput(/listening/);
  return server;
}

const SERVER = `
const [name, ...places] = process.argv.slice(1);
const plain = (address) => address.replace('::ffff:', '');
const listening = places.map((place) => {
  const [kind, ...rest] = place.split(':');
  const port = Number(rest.pop());
  const six = kind.endsWith('6');
  const host = rest.join(':') || (six ? '::' : '0.0.0.0');
  return new Promise((resolve) => {
    if (kind.startsWith('tcp')) {
      require('node:http')
        .createServer((q, r) => r.end(name + ' saw ' + plain(q.socket.remoteAddress)))
        .listen({ port, host, ipv6Only: six }, resolve);
    } else {
      const socket = require('node:dgram').createSocket(six ? 'udp6' : 'udp4');
      if (kind !== 'mute') socket.on('message', (_, from) => socket.send(name + ' saw ' + from.address + '\\n', from.port, from.address));
      socket.bind(port, host, resolve);
    }
  });
});
Promise.all(listening).then(() => console.log('listening'));
`;

/** What the server at that address answers; '' if nothing does within a second. */
export async function fetchFrom(
  run: (argv: readonly string[]) => Promise<RunResult>,
  target: string,
  ...options: readonly string[]
): Promise<string> {
  const { stdout } = await run([
    'curl',
    '-g',
    '-s',
    '--noproxy',
    '*',
    '-m',
    '1',
    ...options,
    `http://${target}/`,
  ]);
  return stdout;
}

/** The same over UDP: one datagram there, one back. */
export async function askUdp(
  run: (argv: readonly string[]) => Promise<RunResult>,
  address: string,
  port: number,
): Promise<string> {
  // dd, because a datagram is read in one piece or lost, and the shell reads byte by byte.
  const receive = 'timeout 1 dd bs=1500 count=1 status=none <&3';
  const script = `exec 3<>/dev/udp/${address}/${port} && echo hello >&3 && ${receive}`;
  return (await run(['bash', '-c', script])).stdout.trim();
}
