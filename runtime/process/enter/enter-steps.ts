/**
 * What a further process in a running container does before it is the program, every step in order: enter.ts performs
 * them, `exec --explain` prints them.
 */
import { containerStep, type ContainerStep } from '../../rootfs/step.ts';
import type { EnterRequest } from './enter-request.ts';
import { EXEC_START } from '../namespace-command.ts';
import {
  identitySteps,
  joinKeyring,
  lookAtGroup,
  prepareProcessSteps,
  setOomScore,
} from '../process-steps.ts';

/** The program is looked for, and becomes, in namespaces that are its own from its first moment: see `fork`. */
export function enterSteps(request: EnterRequest): readonly ContainerStep[] {
  const { process, seccomp } = request;
  const inside = prepareProcessSteps(process, { console: '', makeCwd: false });
  const session = inside.filter(({ command }) => command.kind === 'new-session');
  const before = inside.filter((step) => !session.includes(step));
  const identity = identitySteps(process, seccomp);
  const steps = [
    joinCgroup(request),
    joinKeyring('exec.join-keyring', request.keyring),
    ...(process.oomScoreAdj === undefined ? [] : [setOomScore(process.oomScoreAdj)]),
    enterNamespaces(request),
    ...before,
    ...identity.slice(0, -1),
    FORK,
    ...session,
    ...identity.slice(-1),
  ];
  return steps.map((step) => ({ ...step, undo: { kind: 'freedBy', step: EXEC_START } }));
}

const joinCgroup = ({ cgroupProcs }: EnterRequest): ContainerStep =>
  containerStep(
    'exec.join-cgroup',
    'process',
    { kind: 'join-cgroup', procs: cgroupProcs },
    {
      title: 'Move into the container’s cgroup',
      why:
        'Its usage counts for the container, and it dies with it. Done now, while the host’s cgroup files are in ' +
        'reach.',
      without: 'The program has no limits, and keeps running when the container stops.',
      ...lookAtGroup(cgroupProcs),
    },
  );

const enterNamespaces = ({ containerPid, namespaces }: EnterRequest): ContainerStep =>
  containerStep(
    'exec.enter-namespaces',
    'process',
    { kind: 'enter-namespaces', pid: containerPid, types: namespaces },
    {
      title: 'Enter the container’s namespaces',
      why:
        'setns(2) puts a process into namespaces that exist already, those of the container’s PID 1: its network, ' +
        'its host name, its files. The process numbers are for children only, so no process inside sees this one, ' +
        'which still has all of root’s powers.',
      without: 'The program sees the host’s files, interfaces and processes instead of the container’s.',
      observe: ['readlink', '/proc/self/ns/mnt'],
    },
  );

const FORK: ContainerStep = containerStep(
  'exec.fork',
  'process',
  { kind: 'fork' },
  {
    title: 'Make the child that is inside',
    why:
      'clone(2): the child is the first process of exec’s with a number in the container. By now it has the container’s ' +
      'files, user, capabilities and filter and no open file of the host’s, so that a program that traces it gains nothing.',
    without: 'The program and the container’s processes would not see each other.',
    observe: ['ps'],
  },
);
