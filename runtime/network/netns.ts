/** The network namespace of a container, as steps. Deleting it takes along everything inside and both veth ends. */
import { PID } from '../plan/first-pid.ts';
import type { HostStep } from '../plan/step.ts';

export const NETNS_STEP = 'netns.create';

export function planNetns(name: string): readonly HostStep[] {
  return [
    {
      id: NETNS_STEP,
      section: 'namespace',
      title: 'Create the network namespace',
      why:
        'A network namespace is a network stack of its own: interfaces, addresses, routes, firewall and ports, all ' +
        'empty at first. It gets a name ' +
        'below /run/netns, so that it can be wired before any process lives in it.',
      without:
        'The container would use the interfaces and ports of the host: two web servers could not both listen on port 80.',
      command: { kind: 'run', argv: ['ip', 'netns', 'add', name] },
      undo: { kind: 'command', command: { kind: 'delete-netns', name } },
      observe: ['ip', '-n', name, 'address'],
    },
  ];
}

/**
 * The network namespace of a container with a user namespace of its own: made with the process, so that it belongs to
 * that user namespace. In one that the machine's root made, root of the container could neither listen on port 80 nor
 * send a ping, nor mount a /sys.
 */
export function planNamedNetns(name: string): readonly HostStep[] {
  return [
    {
      id: NETNS_STEP,
      section: 'namespace',
      title: 'Name the network namespace',
      why:
        'The process was started in a network namespace of its own, which belongs to its user namespace. Under a ' +
        'name below /run/netns the host finds it, to plug in a cable and to give it an address.',
      without: 'The container would have no interface but loopback.',
      command: { kind: 'run', argv: ['ip', 'netns', 'attach', name, PID] },
      undo: { kind: 'command', command: { kind: 'delete-netns', name } },
      observe: ['ip', '-n', name, 'address'],
    },
  ];
}

export function planLoopback(name: string): readonly HostStep[] {
  return [
    {
      id: 'loopback.up',
      section: 'address',
      title: 'Bring up the loopback interface',
      why: 'A new namespace has lo, but down: the kernel gives it 127.0.0.1 when it comes up.',
      without: 'The container cannot reach itself at 127.0.0.1, and many programs fail in odd ways.',
      command: { kind: 'run', argv: ['ip', '-n', name, 'link', 'set', 'lo', 'up'] },
      undo: { kind: 'freedBy', step: NETNS_STEP },
      observe: ['ip', '-n', name, 'address', 'show', 'lo'],
    },
  ];
}
