/**
 * Carries out host commands: programs, kernel files by write(2).
 * Knows nothing of steps, order or undoing.
 */
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  existsSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { delay } from '../io/delay.ts';
import { MinidockError } from '../errors.ts';
import { run } from '../io/spawn.ts';
import type { HostCommand } from './command.ts';
import { renderCommand } from './render.ts';
import { MNT_DETACH, RLIMITS } from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import type { Kernel } from '../syscall/kernel.ts';
import type { Check } from './step.ts';
import type { Argv } from './argv.ts';
import { toolMissing } from './tools.ts';

/** A host command failed; `stderr` holds its words, or the system call's. */
export class CommandError extends MinidockError {
  readonly command: string;
  readonly stderr: string;

  constructor(command: HostCommand, stderr: string, hint?: string) {
    const text = renderCommand(command);
    super({
      code: 'COMMAND_FAILED',
      message: `${text}: ${stderr.trim() || 'failed without a word'}`,
      ...(hint === undefined ? {} : { hint }),
    });
    this.command = text;
    this.stderr = stderr;
  }
}

export async function performHostCommand(command: HostCommand): Promise<void> {
  switch (command.kind) {
    case 'run':
      return runProgram(command);
    case 'write':
      return attempt(command, () => writeFileSync(command.path, command.text));
    case 'set-sysctls': {
      const { setSysctls } = await import('../network/in-netns.ts');
      return attempt(command, () => setSysctls(command.netns, command.settings));
    }
    case 'mkdir':
      return attempt(command, () => {
        mkdirSync(command.path, { recursive: true, mode: command.mode });
      });
    case 'rmdir':
      return removeKernelDirectory(command);
    case 'delete-netns': {
      const { kernel } = await import('../syscall/libc.ts');
      return attempt(command, () => deleteNetns(command.name, kernel));
    }
    case 'forget-flows': {
      const { forgetFlows } = await import('../syscall/conntrack.ts');
      return attempt(command, () => whereKnown(() => forgetFlows(command.of)));
    }
    case 'listen-names': {
      const { openResolverSockets } = await import('../network/resolver-sockets.ts');
      return attempt(command, () => openResolverSockets(command.netns, command.address, command.port));
    }
    case 'mount-volume':
    case 'unmount-volume': {
      const { hostOf, mountVolume, unmountVolume } = await import('../volumes/hold.ts');
      const { kernel } = await import('../syscall/libc.ts');
      const host = hostOf(kernel);
      return command.kind === 'mount-volume' ? mountVolume(command, host) : unmountVolume(command, host);
    }
    case 'kill-cgroup': {
      const { killCgroup } = await import('../cgroup/processes.ts');
      return killCgroup(command.cgroupsPath);
    }
    case 'move-to-cgroup':
      return attempt(command, () => {
        for (const file of command.procs) writeFileSync(file, command.pid);
      });
    case 'raise-limit': {
      const { raiseHardLimit } = await import('../syscall/for-container.ts');
      return attempt(command, () =>
        raiseHardLimit(Number(command.pid), RLIMITS[command.name] ?? -1, command.hard),
      );
    }
    case 'filter-devices': {
      const { attachDeviceFilter } = await import('../cgroup/attach-device-filter.ts');
      const { kernel } = await import('../syscall/libc.ts');
      return attachDeviceFilter(command.path, command.rules, kernel);
    }
  }
}

/** Whether the check holds. A check that cannot be carried out does not hold: the step itself will then say why. */
export async function holds(check: Check): Promise<boolean> {
  switch (check.kind) {
    case 'path-exists':
      return existsSync(check.path);
    case 'file-contains':
      return existsSync(check.path) && readFileSync(check.path, 'utf8').includes(check.text);
    case 'run':
      return (await askKernel(check.argv)) ?? (await spawnProgram(check.argv, undefined)).exitCode === 0;
    case 'all':
      return (await Promise.all(check.checks.map(holds))).every(Boolean);
  }
}

/** The check most likely starts no program. */
export const isQuick = (check: Check): boolean => {
  if (check.kind === 'all') return check.checks.every(isQuick);
  return check.kind !== 'run' || isNft(check.argv, 'get');
};

const isNft = ([program, verb]: readonly string[], word: 'get' | 'delete'): boolean =>
  program === 'nft' && verb === word;

/** undefined for what only the program can answer. */
async function askKernel(argv: Argv): Promise<boolean | undefined> {
  if (!isNft(argv, 'get')) return undefined;
  const { elementIn, hasElement } = await import('./nft-elements.ts');
  const element = elementIn(argv);
  return element && hasElement(element) === true;
}

/** Tells whether the first element that nft is to delete is still there; undefined where it is not to begin with. */
async function lookAtDeleted(argv: readonly string[]): Promise<(() => boolean | undefined) | undefined> {
  if (!isNft(argv, 'delete')) return undefined;
  const { elementIn, hasElement } = await import('./nft-elements.ts');
  const element = elementIn(argv);
  return element && hasElement(element) === true ? () => hasElement(element) : undefined;
}

/** true as soon as the look finds nothing, false when the program ended first. */
async function goneBefore(
  running: Promise<ProgramResult>,
  look: () => boolean | undefined,
): Promise<boolean> {
  const ended = running.then(() => true);
  do {
    if (look() === false) return true;
  } while (!(await Promise.race([ended, delay(1).then(() => false)])));
  return false;
}

async function runProgram(command: Extract<HostCommand, { kind: 'run' }>): Promise<void> {
  const { argv, input } = command;
  // A transaction deletes all or nothing, so its first line shows the result: nft itself ends some 20 ms later, after a
  // grace period of the kernel's.
  const look = await lookAtDeleted(input === undefined ? argv : [argv[0], ...firstWords(input)]);
  const running = spawnProgram(argv, input);
  if (look !== undefined && (await goneBefore(running, look))) return;
  const result = await running;
  if (result.exitCode === 0) return;
  if (result.missing) throw toolMissing(argv[0]);
  throw new CommandError(command, result.stderr);
}

const firstWords = (text: string): readonly string[] => (text.split('\n', 1)[0] ?? '').split(' ');

interface ProgramResult {
  readonly exitCode: number | undefined;
  readonly stderr: string;
  readonly missing: boolean;
}

async function spawnProgram(argv: Argv, input: string | undefined): Promise<ProgramResult> {
  try {
    const { status, stderr } = await run(argv, { input, env: { ...process.env, LC_ALL: 'C' } });
    return { exitCode: status, stderr, missing: false };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { exitCode: undefined, stderr: message, missing: code === 'ENOENT' };
  }
}

function attempt(command: HostCommand, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new CommandError(command, (error as Error).message, hintFor(command, errnoOf(error)));
  }
}

/** A kernel without ctnetlink keeps its flows. */
function whereKnown(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!['EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT'].includes(errnoOf(error))) throw error;
  }
}

/** What is refused to root of the machine, too, where it has been left without that power. */
function hintFor(command: HostCommand, errno: string): string | undefined {
  const limits =
    command.kind === 'raise-limit' || (command.kind === 'write' && /oom_score_adj$/.test(command.path));
  if (!limits || !['EPERM', 'EACCES'].includes(errno)) return undefined;
  return 'That takes CAP_SYS_RESOURCE, which minidock itself was started without.';
}

/**
 * A cgroup's directory stays busy until the kernel has reaped the last process in it, some milliseconds, and as long
 * as there are groups below it, which a container may have made.
 */
async function removeKernelDirectory(command: Extract<HostCommand, { kind: 'rmdir' }>): Promise<void> {
  const deadline = Date.now() + 2000;
  for (;;) {
    try {
      rmdirSync(command.path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || Date.now() > deadline) {
        throw new CommandError(command, (error as Error).message);
      }
    }
    removeGroupsBelow(command.path);
    await delay(2);
  }
}

function removeGroupsBelow(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    removeGroupsBelow(`${path}/${entry.name}`);
    try {
      rmdirSync(`${path}/${entry.name}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error; // Retries in two milliseconds.
    }
  }
}

/** Where iproute2 keeps them, and so where a learner finds them. */
const NETNS_DIRECTORY = '/run/netns';

function deleteNetns(name: string, kernel: Kernel): void {
  const path = `${NETNS_DIRECTORY}/${name}`;
  try {
    kernel.umount2(path, MNT_DETACH);
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error; // The file of a namespace whose mount is gone.
  }
  unlinkSync(path);
}
