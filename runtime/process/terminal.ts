/**
 * The container's terminal: a pty out of its own devpts. The slave becomes standard input, output and error and
 * the controlling terminal; the master is fetched by the supervisor (pidfd_getfd(2)), which hands it on to `attach`.
 *
 * Runs inside the container's root, after pivot_root(2), so /dev/pts is the container's.
 */
import { closeSync, constants } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import { openBeneath, openInRoot } from '../rootfs/in-root.ts';
import { openTarget } from '../rootfs/perform-mount.ts';
import { DEVPTS } from '../rootfs/safe-target.ts';
import { bind, rootOf, UNCHANGED } from '../rootfs/tree.ts';
import type { PerformContext } from './context.ts';

export function openTerminal(
  command: Extract<ContainerCommand, { kind: 'open-terminal' }>,
  context: PerformContext,
): { readonly master: number; readonly slave: number } {
  const { kernel } = context;
  const master = openMaster(context);
  // The kernel hands over the other end itself: no name is looked up that could mean something else (CVE-2025-52565).
  const slave = kernel.openPtySlave(master);
  if (command.rows > 0 && command.columns > 0) kernel.setWindowSize(master, command.rows, command.columns);
  if (command.console !== '') showAsConsole(slave, command.console, context);
  return { master, slave };
}

/** A volume over /dev may hold anything at that name, so the directory shows first that it is a devpts. */
function openMaster(context: PerformContext): number {
  const { kernel } = context;
  const directory = openInRoot(kernel, rootOf(context), '/dev/pts');
  try {
    if (kernel.fileSystem(directory).type !== DEVPTS) {
      throw new MinidockError({ code: 'NO_TERMINAL', message: '/dev/pts in the container is no devpts' });
    }
    return openBeneath(kernel, directory, 'ptmx', constants.O_RDWR | constants.O_NOCTTY);
  } finally {
    closeSync(directory);
  }
}

/** /dev/console is this terminal, as Docker has it: an init that logs to the console is seen. */
function showAsConsole(slave: number, console: string, context: PerformContext): void {
  const target = openTarget(console, 'file', context);
  try {
    bind(context, console, slave, target, UNCHANGED);
  } finally {
    closeSync(target);
  }
}

/** After setsid(2), which took away whatever terminal the process had. */
export function adoptTerminal({ kernel, terminal }: PerformContext): void {
  if (terminal === undefined) return;
  kernel.setControllingTerminal(terminal.slave);
  for (const fd of [0, 1, 2]) kernel.dup2(terminal.slave, fd);
  closeSync(terminal.slave);
}
