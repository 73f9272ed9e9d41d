/**
 * The container's terminal: a pty out of its own devpts. The slave becomes standard input, output and error and
 * the controlling terminal; the master is fetched by the supervisor (pidfd_getfd(2)), which hands it on to `attach`.
 *
 * Runs inside the container's root, after pivot_root(2), so /dev/pts is the container's.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import { fdPath, openInRoot } from '../rootfs/in-root.ts';
import { splitDevice } from '../rootfs/host-devices.ts';
import type { PerformContext } from './context.ts';

/** Major numbers of pty slaves (Linux's devices.txt). */
const PTY_SLAVE_FIRST = 136;
const PTY_SLAVE_LAST = 143;

export function openTerminal(
  command: Extract<ContainerCommand, { kind: 'open-terminal' }>,
  { kernel }: PerformContext,
): { readonly master: number; readonly slave: number } {
  const flags = constants.O_RDWR | constants.O_NOCTTY;
  const master = openSync('/dev/pts/ptmx', flags | constants.O_NOFOLLOW);
  const path = `/dev/pts/${kernel.unlockPty(master)}`;
  const slave = openSync(path, flags | constants.O_NOFOLLOW);
  refuseImpostor(slave, path);
  if (command.rows > 0 && command.columns > 0) kernel.setWindowSize(master, command.rows, command.columns);
  if (command.console !== '') showAsConsole(slave, command.console, kernel);
  return { master, slave };
}

/** A volume over /dev may hold anything at that name (CVE-2025-52565). */
function refuseImpostor(slave: number, path: string): void {
  const stat = fstatSync(slave);
  const { major } = splitDevice(stat.rdev);
  if (stat.isCharacterDevice() && major >= PTY_SLAVE_FIRST && major <= PTY_SLAVE_LAST) return;
  throw new MinidockError({ code: 'NO_TERMINAL', message: `${path} in the container is not a terminal` });
}

/** /dev/console is this terminal, as Docker has it: an init that logs to the console is seen. */
function showAsConsole(slave: number, console: string, kernel: PerformContext['kernel']): void {
  const target = openInRoot('/', console, 'file');
  try {
    kernel.bindMount(fdPath(slave), fdPath(target), false, { set: 0, clear: 0, propagation: 0 });
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
