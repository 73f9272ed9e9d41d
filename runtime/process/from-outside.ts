/**
 * What the host does to PID 1 of a container with a user namespace of its own, between its `hello` and its `begin`:
 * what any other PID 1 does itself, as root of the machine.
 */
import type { OciConfig } from '../bundle.ts';
import { PID } from '../plan/first-pid.ts';
import type { HostStep } from '../plan/step.ts';

const undo: HostStep['undo'] = { kind: 'freedBy', step: 'process.start' };

export function stepsFromOutside(config: OciConfig, procs: readonly string[]): readonly HostStep[] {
  const { oomScoreAdj, rlimits } = config.process;
  const [first] = procs;
  return [
    ...(first === undefined
      ? []
      : [
          {
            id: 'process.join-cgroup',
            section: 'process',
            title: 'Move the process into the container’s cgroup',
            why:
              'From here on memory, processor time and processes are counted and limited for the container as a whole. ' +
              'Its own root may not write to the host’s cgroup files, so the host does it.',
            without:
              'The limits hold for an empty group; the program runs in the caller’s group, without limits.',
            command: { kind: 'move-to-cgroup', procs, pid: PID },
            undo,
            observe: ['cat', first],
          } as const,
        ]),
    ...(oomScoreAdj === undefined
      ? []
      : [
          {
            id: 'process.set-oom-score',
            section: 'process',
            title: `Set the out-of-memory score to ${oomScoreAdj}`,
            why:
              'When the whole machine runs out of memory, the kernel kills the process with the highest score first. ' +
              'Only root of the machine may lower one.',
            without: 'The kernel chooses by size alone.',
            command: { kind: 'write', path: `/proc/${PID}/oom_score_adj`, text: String(oomScoreAdj) },
            undo,
          } as const,
        ]),
    ...rlimits.map(({ type, hard }): HostStep => ({
      id: `process.raise-limit:${type}`,
      section: 'process',
      title: `Allow a limit on ${type} of ${hard}`,
      why:
        'Only root of the machine may raise a hard limit. The process sets both limits itself, later, as far as it ' +
        'may: up to here.',
      without: 'The kernel refuses a limit above the caller’s.',
      command: { kind: 'raise-limit', name: type, hard, pid: PID },
      undo,
    })),
  ];
}
