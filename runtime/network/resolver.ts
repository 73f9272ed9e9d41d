/**
 * Names on a network of the user's, as steps: two sockets at 127.0.0.11 inside the namespace, where a resolver listens,
 * and a rule in the namespace's own firewall that leads port 53 to them. The sockets have another port, chosen per
 * container, so that a name server in the container can still have port 53 for itself.
 */
import type { HostStep, Undo } from '../plan/step.ts';
import { NETNS_STEP } from './netns.ts';
import type { FirewallBackend } from './types.ts';

export const RESOLVER_ADDRESS = '127.0.0.11';
const FREED: Undo = { kind: 'freedBy', step: NETNS_STEP };
/** Ports that programs seldom choose: past those that the kernel gives to clients. */
const FIRST_PORT = 61_000;
const PORTS = 4_000;

/** The same for each start of a container: 16 bits of its id choose it. */
export const resolverPort = (containerId: string): number =>
  FIRST_PORT + (parseInt(containerId.slice(0, 4), 16) % PORTS);

export interface ResolverInput {
  readonly netns: string;
  readonly containerId: string;
  readonly firewall: FirewallBackend;
  /** Where the names of its networks are kept, one directory each, in the form of hosts(5). */
  readonly names: readonly string[];
}

/** After the loopback interface is up: until then nobody can listen at an address of it. */
export function planResolver({ netns, containerId, firewall, names }: ResolverInput): readonly HostStep[] {
  const port = resolverPort(containerId);
  const enter = ['nsenter', `--net=/run/netns/${netns}`] as const;
  return [
    {
      id: 'names.listen',
      section: 'address',
      title: `Listen at ${RESOLVER_ADDRESS} for questions about names`,
      why:
        'Containers of one network find each other by name. The resolver that knows the names is a process of the ' +
        "host, but its sockets are in the container's namespace: nobody else can ask it. It is started by the first " +
        'question, and ends when nobody asks.',
      without: 'The name of another container is not found: "Name or service not known".',
      command: { kind: 'listen-names', netns, address: RESOLVER_ADDRESS, port, names },
      undo: FREED,
      observe: [...enter, 'ss', '-lntu'],
    },
    {
      id: 'names.redirect',
      section: 'address',
      title: `Lead port 53 of ${RESOLVER_ADDRESS} to port ${String(port)}`,
      why:
        'resolv.conf has no place for a port: programs ask at port 53. A rule in the firewall of the namespace changes ' +
        'the port of what is sent to that address, and port 53 stays free for a name server in the container.',
      without: 'A question about any name is answered with "connection refused".',
      command:
        firewall === 'nftables'
          ? { kind: 'run', argv: [...enter, 'nft', '-f', '-'], input: nftScript(port) }
          : { kind: 'run', argv: [...enter, 'iptables-restore', '--noflush'], input: iptablesScript(port) },
      undo: FREED,
      observe: [...enter, ...(firewall === 'nftables' ? ['nft', 'list', 'ruleset'] : ['iptables-save'])],
    },
  ];
}

const nftScript = (port: number): string => `table ip minidock-names {
  chain output {
    type nat hook output priority -100
    ip daddr ${RESOLVER_ADDRESS} meta l4proto { tcp, udp } th dport 53 dnat to ${RESOLVER_ADDRESS}:${String(port)}
  }
}
`;

const iptablesScript = (port: number): string =>
  [
    '*nat',
    ...['tcp', 'udp'].map(
      (protocol) =>
        `-A OUTPUT -d ${RESOLVER_ADDRESS}/32 -p ${protocol} --dport 53 -j DNAT --to-destination ${RESOLVER_ADDRESS}:${String(port)}`,
    ),
    'COMMIT',
    '',
  ].join('\n');
