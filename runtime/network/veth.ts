/**
 * The cable of a container: a veth pair, one end in its namespace, the other plugged into the bridge. The far end is
 * created in the namespace right away; moving it there afterwards (`ip link set … netns`) makes the kernel wait for
 * a grace period, 17 ms of the time that somebody waits for the container.
 */
import type { HostStep, Undo } from '../plan/step.ts';
import { mtuOf } from './bridge.ts';
import { planWithoutIpv6 } from './ipv6/keep-off.ts';
import { NETNS_STEP } from './netns.ts';
import type { BridgeEndpoint } from './types.ts';

const FREED: Undo = { kind: 'freedBy', step: NETNS_STEP };

export function planVeth(endpoint: BridgeEndpoint): readonly HostStep[] {
  const { hostVeth, netns, macAddress, network, ipv6, interfaceName } = endpoint;
  return [
    {
      id: 'veth.create',
      section: 'veth',
      title: 'Create the veth pair, one end inside the namespace',
      why:
        `A veth pair is a cable: what goes in at one end comes out at the other. One end, ${interfaceName}, is ` +
        "made inside the container's namespace, and is its only connection to the outside. Its MAC address is " +
        "derived from the IP address, so that a neighbour's old entry for the address stays right.",
      without: 'The namespace has only lo, so every address but its own is unreachable.',
      command: {
        kind: 'run',
        argv: [
          ...(['ip', 'link', 'add', hostVeth, ...mtuOf(network), 'type', 'veth', 'peer'] as const),
          ...['name', interfaceName, 'address', macAddress, ...mtuOf(network), 'netns', netns],
        ],
      },
      undo: FREED,
      observe: ['ip', '-n', netns, 'link', 'show', interfaceName],
    },
    {
      id: 'veth.attach',
      section: 'veth',
      title: `Plug the host's end into ${network.bridge}`,
      why:
        'The end on the host becomes a port of the switch. From here on the container shares an Ethernet segment ' +
        'with the other containers of the network and with the gateway.',
      without:
        "The host's end of the cable is not connected: the container asks for the gateway by ARP and nobody " +
        'answers.',
      command: { kind: 'run', argv: ['ip', 'link', 'set', hostVeth, 'master', network.bridge] },
      undo: FREED,
      observe: ['bridge', 'link', 'show', 'dev', hostVeth],
    },
    {
      id: 'veth.hairpin',
      section: 'veth',
      title: 'Let the port send a frame back where it came from',
      why:
        'A switch never returns a frame to the port it came in on. A container that opens its own published port ' +
        'needs just that where the kernel filters bridged frames (br_netfilter): the redirected packet must leave ' +
        'by the port it came in.',
      without: 'The container itself cannot reach its own published port.',
      command: {
        kind: 'run',
        argv: ['ip', 'link', 'set', hostVeth, 'type', 'bridge_slave', 'hairpin', 'on'],
      },
      undo: FREED,
      observe: ['bridge', '-d', 'link', 'show', 'dev', hostVeth],
    },
    {
      id: 'veth.up',
      section: 'veth',
      title: "Bring the host's end up",
      why: 'A cable carries only when both of its ends are up; a new one is down at both.',
      without: `${interfaceName} in the container says NO-CARRIER, whatever else is set up there.`,
      command: { kind: 'run', argv: ['ip', 'link', 'set', hostVeth, 'up'] },
      undo: FREED,
      observe: ['ip', 'link', 'show', hostVeth],
    },
    ...(network.isolated === true ? [planIsolation(endpoint)] : []),
    // Last, because one program carries out all of the above.
    ...(ipv6
      ? planWithoutIpv6({
          noun: 'veth',
          interfaceName: hostVeth,
          ...(network.ipv6 === undefined
            ? {}
            : { reason: 'A port of a bridge needs no address: the bridge has them' }),
          order: `Nothing comes in until then: ${interfaceName}, the other end, is still down.`,
          undo: FREED,
        })
      : []),
  ];
}

function planIsolation({ hostVeth }: BridgeEndpoint): HostStep {
  return {
    id: 'veth.isolate',
    section: 'veth',
    title: 'Keep the port apart from the other ports of the switch',
    why:
      'Frames between two ports of one bridge meet no rule of the firewall. The bridge itself passes none from one ' +
      'isolated port to another; what is for the gateway goes through, since that is no port.',
    without:
      'Containers of the network reach each other, although the network was made without (enable_icc=false).',
    command: {
      kind: 'run',
      argv: ['ip', 'link', 'set', hostVeth, 'type', 'bridge_slave', 'isolated', 'on'],
    },
    undo: FREED,
    observe: ['bridge', '-d', 'link', 'show', 'dev', hostVeth],
  };
}
