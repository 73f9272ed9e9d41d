/**
 * The steps of `stop` and `kill`: the signal, the wait, SIGKILL, which src/engine/stop.ts carries out; then what the
 * container's shim takes back, with the very commands that its journal holds (src/engine/undo-run.ts). Pure.
 */
import { dirname } from 'node:path';
import type { HostCommand, StopCommand } from '../../../runtime/plan/command.ts';
import type { JournalEntry } from '../../../runtime/plan/journal.ts';
import type { HostStep, Step } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { UNDO_STEP } from '../../../runtime/plan/step-span.ts';
import { planThaw } from '../../../runtime/cgroup/freezer.ts';
import type { ContainerState } from '../spec/container.ts';
import { signalName } from '../spec/signals.ts';
import { cgroupsPath } from '../state/paths.ts';
import type { Container } from '../state/store.ts';

export interface StopRequest {
  /** By number. */
  readonly signal: number;
  /** Seconds until SIGKILL; negative: never. */
  readonly timeout: number;
}

export type StopStep = Step<StopCommand | HostCommand>;

type Stopped = Pick<Container, 'config' | 'state'>;

const SIGKILL = 9;
const KILLS =
  'SIGKILL cannot be caught; sent from outside its PID namespace it ends even a PID 1, and the kernel then kills all others in there.';

/** By which the program of a container that runs is ended. */
export function planStop(container: Stopped, { signal, timeout }: StopRequest): readonly StopStep[] {
  const { state } = container;
  const killed = signal === SIGKILL;
  const grace = `Give it ${timeout} ${timeout === 1 ? 'second' : 'seconds'} to end`;
  const { pid } = state;
  return [
    planSignal(state, signal),
    ...planThawToEnd(container),
    {
      id: 'stop.wait',
      section: 'stop',
      title: timeout < 0 ? 'Wait for it to end' : grace,
      why: killed
        ? 'The kernel takes a moment to end a process, and all others of its PID namespace with it.'
        : 'A program that cares writes its files and answers its clients first. PID 1 gets no signal it has no handler for, so some never end by one.',
      without: killed
        ? 'Its network and its files would be taken away while it is still there.'
        : 'What was only in its memory is lost.',
      command: { kind: 'wait', pid, seconds: timeout },
      undo: { kind: 'none', why: 'waiting changes nothing' },
      observe: observe(pid),
    },
    ...(timeout < 0 || killed
      ? []
      : [
          {
            ...planSignal(state, SIGKILL),
            id: 'stop.kill',
            title: 'Kill it, if it goes on',
            why: KILLS,
            without: 'A program that ignores the signal would run on for ever.',
            undo: {
              kind: 'none',
              why: 'a process that has ended does not come back: minidock start begins a new one',
            },
          } as const,
        ]),
  ];
}

/** One signal, and nothing that follows from it. */
export function planSignal({ pid, pidStartTime }: ContainerState, signal: number): StopStep {
  const name = signalName(signal);
  const killed = signal === SIGKILL;
  return {
    id: 'stop.signal',
    section: 'stop',
    title: `Send ${/^\d/.test(name) ? 'signal ' : 'SIG'}${name} to the program`,
    why:
      'The program is PID 1 of its namespace; the host knows it by another number, and sends the signal through a ' +
      `pidfd, which cannot come to mean another process.${killed ? ` ${KILLS}` : ''}`,
    without: killed
      ? 'The program would run on.'
      : 'The program would not know that it should end, and could not finish what it is doing.',
    command: { kind: 'signal', signal: name, pid, start: pidStartTime },
    undo: { kind: 'none', why: 'a signal that was sent cannot be called back' },
    observe: observe(pid),
  };
}

/** Not even SIGKILL reaches a frozen process of cgroup v1. */
export const planThawToEnd = ({ config, state }: Stopped): readonly HostStep[] =>
  state.status === 'paused' ? planThaw(cgroupsPath(config)) : [];

const observe = (pid: number): Argv => ['ps', '-o', 'pid,stat,args', '-p', String(pid)];

/** `entries` in the order in which they are taken back. */
export const planUndo = (entries: readonly JournalEntry[]): readonly HostStep[] => entries.flatMap(undoStep);

function undoStep({ id, undo }: JournalEntry): readonly HostStep[] {
  if (undo === undefined) return [];
  const colon = id.indexOf(':');
  const [noun, suffix] = colon < 0 ? [id, []] : [id.slice(0, colon), [id.slice(colon + 1)]];
  const words = WORDS[noun] ?? {
    title: `Undo ${id}`,
    why: 'The container’s journal lists it as done for this container alone.',
    without: 'It would be left behind.',
  };
  const none = { kind: 'none', why: 'the next start does the step itself again' } as const;
  const title = [words.title, ...suffix].join(' ');
  return [
    {
      ...words,
      id: `${UNDO_STEP}${id}`,
      section: 'undo',
      title,
      command: undo,
      undo: none,
      observe: lookAfter(undo),
    },
  ];
}

/** Where what is taken back was to be seen. */
function lookAfter(command: HostCommand): Argv {
  switch (command.kind) {
    case 'delete-netns':
      return ['ip', 'netns', 'list'];
    case 'forget-flows':
      return ['conntrack', '-L', '-p', 'udp'];
    case 'unmount-volume':
      return ['findmnt', command.target];
    case 'rmdir':
      return ['ls', dirname(command.path)];
    case 'run': {
      const [program, , , ...rest] = command.argv;
      return program === 'nft'
        ? ['nft', 'list', 'map', ...rest.slice(0, 3)]
        : [program === 'ip6tables' ? program : 'iptables', '-t', 'nat', '-S'];
    }
    default:
      return ['lsns', '--type', 'pid'];
  }
}

const WORDS: Readonly<Record<string, Pick<HostStep, 'title' | 'why' | 'without'>>> = {
  'netns.create': {
    title: 'Delete the network namespace',
    why:
      'No process is in it any more, and its name is the last thing that keeps it. The kernel takes down what is ' +
      'inside: the container’s end of the cable and with it the host’s, addresses and routes.',
    without:
      'The cable stays plugged into the bridge, and answers for an address that another container may get.',
  },
  'port.publish': {
    title: 'Withdraw the published port',
    why: 'The redirection names the container’s address, which will be another’s.',
    without: 'Clients of the port reach the next container that gets the address.',
  },
  'flows.forget': {
    title: 'Forget the flows to its UDP ports',
    why: 'conntrack remembers for a flow where its first packet was redirected to, for as long as the client goes on.',
    without:
      'Such a client reaches the next container with the address, not the one that publishes the port next.',
  },
  'cgroup.create': {
    title: 'Remove the control group',
    why: 'rmdir(2) ends a group, which the kernel allows once no process is left in it.',
    without: 'Empty groups pile up, and the kernel keeps the books of each.',
  },
  'volume.mount': {
    title: 'Unmount the volume, if nobody else uses it:',
    why: 'A file for each container tells who uses it. The last one takes the file system off the volume’s directory; what is in a tmpfs is gone by that.',
    without: 'The file system stays mounted, and its device busy.',
  },
  'process.start': {
    title: 'Kill what is left in the container’s cgroup',
    why: 'With PID 1 the kernel kills its whole PID namespace. What came in by exec is in the cgroup too, and so is a PID 1 that goes on.',
    without: 'A process could go on in namespaces that are being taken down around it.',
  },
};
