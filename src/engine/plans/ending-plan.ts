/**
 * What `stop` and `rm` are going to do, as steps: the signal, the wait, what the container's journal says is to be taken
 * back (with the very commands that are in it), its address and its files. Nothing is touched; whoever does a step
 * tells of it by a span of the same id.
 */
import { dirname, join } from 'node:path';
import { Journal, type JournalEntry } from '../../../runtime/plan/journal.ts';
import type { HostCommand } from '../../../runtime/plan/command.ts';
import type { HostStep, Section } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { UNDO_STEP } from '../../../runtime/plan/step-span.ts';
import {
  containerDir,
  containerRunDir,
  idsDir,
  leasesDir,
  nameFile,
  namesDir,
  type Paths,
} from '../state/paths.ts';
import { planThaw } from '../../../runtime/cgroup/freezer.ts';
import { cgroupsPath } from './bundle.ts';
import { signalName } from '../spec/signals.ts';
import { endpointStates } from '../spec/endpoints.ts';
import { doomedDir, type Container } from '../state/store.ts';

export interface Signalling {
  /** By number. */
  readonly signal: number;
  /** Seconds until SIGKILL; negative: never. */
  readonly timeout: number;
}

/** Of a container that runs. */
export function planStop(paths: Paths, container: Container, how: Signalling): readonly HostStep[] {
  const [first, ...rest] = signalSteps(container.state.pid, how);
  const thaw = container.state.status === 'paused' ? planThaw(cgroupsPath(container.config.id)) : [];
  return [...(first === undefined ? [] : [first]), ...thaw, ...rest, ...planUndo(paths, container)];
}

function signalSteps(pid: number, { signal, timeout }: Signalling): readonly HostStep[] {
  const wait: Argv = ['tail', `--pid=${pid}`, '--follow', '/dev/null'];
  const observe: Argv = ['ps', '-o', 'pid,stat,args', '-p', String(pid)];
  // With -s, which the kill of every shell takes.
  const kill = (number: number): Argv => ['kill', '-s', signalName(number), String(pid)];
  const name = signalName(signal);
  const killed = signal === SIGKILL;
  const grace = `Give it ${timeout} ${timeout === 1 ? 'second' : 'seconds'} to end`;
  return [
    step('stop.signal', 'stop', `Send ${/^\d/.test(name) ? 'signal ' : 'SIG'}${name} to the program`, {
      why:
        'The program is PID 1 of its namespace; the host knows it by another number, and sends the signal through a ' +
        `pidfd, which cannot come to mean another process.${killed ? ` ${KILLS}` : ''}`,
      without: killed
        ? 'The program would run on.'
        : 'The program would not know that it should end, and could not finish what it is doing.',
      argv: kill(signal),
      none: 'a signal that was sent cannot be called back',
      observe,
    }),
    step('stop.wait', 'stop', timeout < 0 ? 'Wait for it to end' : grace, {
      why: killed
        ? 'The kernel takes a moment to end a process, and all others of its PID namespace with it.'
        : 'A program that cares writes its files and answers its clients first. PID 1 gets no signal it has no handler for, so some never end by one.',
      without: killed
        ? 'Its network and its files would be taken away while it is still there.'
        : 'What was only in its memory is lost.',
      argv: timeout < 0 ? wait : ['timeout', String(timeout), ...wait],
      none: 'waiting changes nothing',
      observe,
    }),
    ...(timeout < 0 || killed
      ? []
      : [
          step('stop.kill', 'stop', 'Kill it, if it goes on', {
            why: KILLS,
            without: 'A program that ignores the signal would run on for ever.',
            argv: kill(SIGKILL),
            none: 'a process that has ended does not come back: minidock start begins a new one',
            observe,
          }),
        ]),
  ];
}

const SIGKILL = 9;
const KILLS =
  'SIGKILL cannot be caught; sent from outside its PID namespace it ends even a PID 1, and the kernel then kills all others in there.';

/** What the journal lists, last first, then the address. */
export function planUndo(paths: Paths, { config, state }: Container): readonly HostStep[] {
  const entries = [...new Journal(join(containerRunDir(paths, config.id), 'journal')).read()].reverse();
  const endpoints = endpointStates(state.network).filter(({ address }) => address !== '');
  const leases = endpoints.map(({ network, address }) => join(leasesDir(paths), network.id, address));
  const addresses = endpoints.map(({ address }) => address).join(', ');
  return [
    ...entries.flatMap(undoStep),
    ...(endpoints.length === 0
      ? []
      : [
          step(
            'address.release',
            'undo',
            `Give the ${plural(endpoints.length, 'address')} ${addresses} back`,
            {
              why: 'A lease is a file named after the address, with the container’s id in it: making it takes the address, removing it gives it back.',
              without: 'No other container ever gets the address, and one day there is none left.',
              argv: ['rm', ...leases],
              none: 'the next start leases one again, often the same',
              observe: ['ls', ...leases.map((lease) => dirname(lease))],
            },
          ),
        ]),
    ...(state.firstId === undefined
      ? []
      : [
          step('ids.release', 'undo', `Give the user ids from ${state.firstId} on back`, {
            why: 'Its processes were users of the machine that nobody else is. A file named after the first of them says whose they are; no file on the disk is owned by one.',
            without: 'No other container ever gets these users.',
            argv: ['rm', join(idsDir(paths), String(state.firstId))],
            none: 'the next start takes others, or the same',
            observe: ['ls', idsDir(paths)],
          }),
        ]),
  ];
}

const plural = (count: number, noun: string): string => (count === 1 ? noun : `${noun}es`);

function undoStep({ id, undo }: JournalEntry): readonly HostStep[] {
  if (undo === undefined) return [];
  const [noun = id, ...suffix] = id.split(':');
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
    case 'rmdir':
      return ['ls', dirname(command.path)];
    case 'run': {
      const [program, , , ...rest] = command.argv;
      return program === 'nft'
        ? ['nft', 'list', 'map', ...rest.slice(0, 3)]
        : ['iptables', '-t', 'nat', '-S'];
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
    without: 'Clients of the port are sent to whoever gets the address next.',
  },
  'flows.forget': {
    title: 'Forget the flows to its UDP ports',
    why: 'conntrack remembers for a flow where its first packet was redirected to, for as long as the client goes on.',
    without: 'Such a client reaches whoever gets the address next, and not whoever publishes the port next.',
  },
  'cgroup.create': {
    title: 'Remove the control group',
    why: 'rmdir(2) ends a group, which the kernel allows once no process is left in it.',
    without: 'Empty groups pile up, and the kernel keeps the books of each.',
  },
  'process.start': {
    title: 'Kill what is left in the container’s cgroup',
    why: 'With PID 1 the kernel kills its whole PID namespace. What came in by exec is in the cgroup too, and so is a PID 1 that goes on.',
    without: 'A process could go on in namespaces that are being taken down around it.',
  },
};

/** `volumes`: the anonymous ones that go with it. */
export function planRemoval(
  paths: Paths,
  { config: { id, name } }: Container,
  volumes: readonly { readonly name: string; readonly path: string }[],
): readonly HostStep[] {
  const again = 'minidock create or run makes a new one; what was written in this one is lost';
  return [
    step('container.take-away', 'files', 'Take its directory out of sight', {
      why: 'One rename(2), which happens or does not: whoever looks sees the whole container or none. What is large is deleted afterwards.',
      without: 'A removal that is broken off leaves half a container.',
      argv: ['mv', containerDir(paths, id), doomedDir(paths, id)],
      none: again,
      observe: ['ls', join(paths.root, 'containers')],
    }),
    step('container.release-name', 'files', `Give up the name ${name}`, {
      why: 'A name is a file that holds the container’s id; link(2) refuses a second one, so that no two containers get the same.',
      without: 'The name could not be used again.',
      argv: ['rm', nameFile(paths, name)],
      none: again,
      observe: ['ls', namesDir(paths)],
    }),
    ...volumes.map((volume) =>
      step(
        `volume.remove:${volume.name}`,
        'files',
        `Remove the anonymous volume ${volume.name.slice(0, 12)}`,
        {
          why: 'Nobody gave it a name and no other container mounts it, so nobody can ask for it again.',
          without: 'Its files stay on the disk, and nobody knows what they were for.',
          argv: ['rm', '-r', volume.path],
          none: 'its files are gone',
          observe: ['ls', join(paths.root, 'volumes')],
        },
      ),
    ),
    step('container.delete-files', 'files', 'Delete its files', {
      why: 'Its configuration, its log and the upper directory of its overlay, which holds all that it wrote. The image’s layers below are shared and stay.',
      without: 'The disk fills with what removed containers wrote.',
      argv: ['rm', '-r', doomedDir(paths, id)],
      none: again,
      observe: ['ls', '-a', join(paths.root, 'containers')],
    }),
  ];
}

interface Words extends Pick<HostStep, 'why' | 'without'> {
  readonly argv: Argv;
  /** Why it has no undo. */
  readonly none: string;
  readonly observe: Argv;
}

const step = (id: string, section: Section, title: string, { argv, none, ...words }: Words): HostStep => ({
  id,
  section,
  title,
  ...words,
  command: { kind: 'run', argv },
  undo: { kind: 'none', why: none },
});
