/**
 * Steps about a container's PID 1 are planned before it is started: `PID` stands for the number it is going to have on
 * the host, in the plan and in what is printed. It is filled in when the steps are carried out.
 */
import type { HostCommand } from './command.ts';
import type { HostStep } from './step.ts';
import type { Argv } from './argv.ts';

export const PID = 'PID';

export const withPid = (steps: readonly HostStep[], pid: number): readonly HostStep[] =>
  steps.map((step) => ({ ...step, command: fill(step.command, String(pid)) }));

function fill(command: HostCommand, pid: string): HostCommand {
  switch (command.kind) {
    case 'run':
      return { ...command, argv: command.argv.map((word) => (word === PID ? pid : word)) as [...Argv] };
    case 'write':
      return { ...command, path: command.path.replace(`/proc/${PID}/`, `/proc/${pid}/`) };
    case 'move-to-cgroup':
    case 'raise-limit':
      return { ...command, pid };
    default:
      return command;
  }
}
