/**
 * What a further process in a running container does between nsenter and the program, every step in order: enter.ts
 * performs them, `exec --explain` prints them. The namespaces it is in by then are told by the first step, nsenter's.
 */
import type { OciProcess, OciSeccomp } from '../bundle.ts';
import { containerStep, type ContainerStep } from '../rootfs/step.ts';
import { EXEC_START } from './namespace-command.ts';
import { identitySteps, lookAtGroup, prepareProcessSteps, setOomScore } from './process-steps.ts';

/** Written as JSON to a file of the caller's, who removes it. */
export interface EnterRequest {
  /** PID 1 of the container, in the host's numbers. */
  readonly containerPid: number;
  readonly process: OciProcess;
  /** As cgroupProcsFiles tells. */
  readonly cgroupProcs: readonly string[];
  readonly seccomp?: OciSeccomp;
  /** The caller is to be told where the time goes. */
  readonly trace?: boolean;
}

export function enterSteps(request: EnterRequest): readonly ContainerStep[] {
  const { process, seccomp } = request;
  const steps = [
    joinCgroup(request),
    ...(process.oomScoreAdj === undefined ? [] : [setOomScore(process.oomScoreAdj)]),
    SEAL,
    enterNamespaces(request),
    ...prepareProcessSteps(process, { console: '', makeCwd: false }),
    ...identitySteps(process, seccomp),
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
      why: 'What it uses counts for the container, and it is killed with it. Done now, while the host’s cgroup files can be reached.',
      without: 'The program is not limited at all, and goes on when the container is stopped.',
      ...lookAtGroup(cgroupProcs),
    },
  );

const SEAL: ContainerStep = containerStep(
  'exec.seal',
  'process',
  { kind: 'seal-mounts', path: '/' },
  {
    title: 'Make its copy of the host’s mounts read-only',
    why:
      'minidock’s own program file is on one of them, and can be reached from inside as /proc/self/exe until the ' +
      'program has replaced it. This mount namespace is nobody else’s: the host’s stays writable.',
    without: 'An image whose program is /proc/self/exe could overwrite minidock on the host (CVE-2019-5736).',
  },
);

const enterNamespaces = ({ containerPid }: EnterRequest): ContainerStep =>
  containerStep(
    'exec.enter-namespaces',
    'process',
    { kind: 'enter-namespaces', pid: containerPid },
    {
      title: 'Enter the cgroup and mount namespaces',
      why:
        'The last of the host goes: from here on “/” is the container’s root. It comes after all that needs the ' +
        'host’s files, the program of nsenter and the cgroup’s files among them.',
      without: 'The program sees the host’s files instead of the image’s.',
      observe: ['readlink', '/proc/self/ns/mnt'],
    },
  );
