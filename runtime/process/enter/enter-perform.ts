/**
 * Carries out the steps of exec. Those that only look are done here and now, by a process the container cannot see;
 * those that change what a process is, or put it where the container sees it, are listed for later (enter.ts).
 *
 * Unlike PID 1, this process looks at files that others change meanwhile, with all of root's powers and outside of the
 * container's cgroup, so that it could open any device: it never opens anything before it has seen what it is.
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import type { ContainerCommand } from '../../plan/command.ts';
import { openInRoot } from '../../rootfs/in-root.ts';
import { isKernelFileSystem } from '../../rootfs/safe-target.ts';
import type { ContainerStep } from '../../rootfs/step.ts';
import { rootOf } from '../../rootfs/tree.ts';
import { CALL_TABLE } from '../../syscall/call-program.ts';
import * as k from '../../syscall/constants.ts';
import { setCloseOnExec } from '../../syscall/descriptors.ts';
import { errnoOf } from '../../syscall/error.ts';
import type { Channel } from '../channel.ts';
import type { PerformContext } from '../context.ts';
import type { EnterCalls } from './enter-calls.ts';
import { findExecutable } from '../executable.ts';
import { applyIdentity, asUser, refuseUnmapped } from '../identity/identity.ts';
import { fileParts } from '../identity/lines.ts';
import { changeDirectory, enterWorkingDirectory, perform, withHome } from '../perform.ts';
import type { FillProgram } from '../program-file.ts';
import { isNull, leaveHostNull, ownStdio } from '../stdio.ts';
import { resolveUser } from '../identity/users.ts';

type Of<K extends ContainerCommand['kind']> = Extract<ContainerCommand, { kind: K }>;

export interface EnterParts {
  readonly context: PerformContext;
  readonly calls: EnterCalls;
  readonly channel: Channel;
  /** Of the container's PID 1. */
  readonly pidfd: number;
  /** /proc/self/fd of the host's procfs: in the container's, this process is not to be found. */
  readonly descriptors: number;
  /** Makes the program of the calls that executeFile takes. */
  readonly fill: FillProgram;
  /** The host's id of the container's root; ids are the host's until the last listed calls. */
  readonly firstId: number;
}

export function performEnter({ id, command }: ContainerStep, parts: EnterParts): void {
  const { context, calls } = parts;
  calls.step = id;
  switch (command.kind) {
    case 'join-cgroup':
      // "0" means the writer: the process of the list, not a thread of minidock.
      for (const file of command.procs) calls.add('write', calls.keep(openSync(file, 'w')), '0', 1);
      return;
    case 'find-user':
      context.user = resolveUser(command.user, command.groups, {
        passwd: fileParts('/etc/passwd', () => openIfFile(parts, '/etc/passwd')),
        group: fileParts('/etc/group', () => openIfFile(parts, '/etc/group')),
      });
      return;
    case 'open-terminal':
      return openTerminal(command, context);
    case 'enter-namespaces':
      return enterNamespaces(command, parts);
    case 'set-rlimit':
      return setRlimit(command, parts);
    case 'load-seccomp':
      joinUsers(parts);
      return calls.list(() => perform(command, context));
    case 'set-identity':
      return becomeUser(command, parts);
    case 'fork':
      // A tracer inside can make the child call anything: in the caller's session it would reach the caller's terminal
      // (open /dev/tty, TIOCSTI) and process group (kill(0)).
      calls.list((kernel) => kernel.setsid());
      return calls.fork();
    case 'new-session':
      return calls.list((kernel) => {
        kernel.setsid();
        if (command.terminal) kernel.setControllingTerminal(0);
      });
    case 'exec':
      return becomeCalls(command, parts);
    default:
      return perform(command, context);
  }
}

function enterNamespaces({ types }: Of<'enter-namespaces'>, parts: EnterParts): void {
  const { context, calls, pidfd } = parts;
  const { kernel } = context;
  // Threads share one root and current directory, and setns(2) refuses to change those of others: this thread, the
  // one that goes on to execve(2), takes its own first.
  kernel.unshare(k.CLONE_FS);
  const flags = types.reduce((all, type) => all | NAMESPACE_FLAGS[type], 0);
  const later = flags & (k.CLONE_NEWPID | k.CLONE_NEWCGROUP);
  context.usersPending = (flags & k.CLONE_NEWUSER) !== 0;
  kernel.setns(pidfd, flags & ~later & ~k.CLONE_NEWUSER);
  leaveHostNull(kernel, () => reopen(parts, '/dev/null', constants.O_RDWR, isNull));
  // In these two no thread of the engine could be started any more, nor the cgroup joined.
  calls.list(() => kernel.setns(calls.keep(pidfd), later));
}

const NAMESPACE_FLAGS: Readonly<Record<Of<'enter-namespaces'>['types'][number], number>> = {
  mount: k.CLONE_NEWNS,
  uts: k.CLONE_NEWUTS,
  ipc: k.CLONE_NEWIPC,
  pid: k.CLONE_NEWPID,
  network: k.CLONE_NEWNET,
  cgroup: k.CLONE_NEWCGROUP,
  user: k.CLONE_NEWUSER,
};

/**
 * The container's users, as late as can be: what came before takes powers of the machine's root, an own limit on open
 * files above the caller's for one. A process with threads may not change its users (setns(2)); the list has none.
 */
function joinUsers({ context, calls, pidfd }: EnterParts): void {
  if (!context.usersPending) return;
  context.usersPending = false;
  calls.list((kernel) => kernel.setns(calls.keep(pidfd), k.CLONE_NEWUSER));
}

/**
 * Opens what lies at `path` in the container if `fits` says so of it, else undefined. To open a device can do things
 * by itself (a watchdog starts), so it is looked at first, by a descriptor that can do no more than that.
 */
function reopen(
  { context, descriptors }: EnterParts,
  path: string,
  flags: number,
  fits: (stat: Stats, fd: number) => boolean,
): number | undefined {
  const { kernel } = context;
  const found = openInRoot(kernel, rootOf(context), path);
  try {
    return fits(fstatSync(found), found) ? kernel.openat2(descriptors, String(found), flags, 0) : undefined;
  } finally {
    closeSync(found);
  }
}

/** The slave is what the process has open from now on, so that its user will be given it. */
function openTerminal(command: Of<'open-terminal'>, context: PerformContext): void {
  perform(command, context);
  const { terminal, kernel } = context;
  if (terminal !== undefined) for (const fd of [0, 1, 2]) kernel.dup2(terminal.slave, fd);
}

/** The number of processes counts for a user, who must be able to have one more until the preparing process is gone. */
function setRlimit(command: Of<'set-rlimit'>, { context, calls }: EnterParts): void {
  if (command.name !== 'RLIMIT_NPROC') return calls.list(() => perform(command, context));
  const { hard } = context.kernel.getrlimit(k.RLIMITS[command.name] ?? 0);
  const room = hard < 0 || command.hard < 0 ? -1 : Math.max(hard, command.hard);
  calls.list(() => perform({ ...command, soft: room, hard: room }, context));
  calls.afterFork(() => perform(command, context));
}

/** Directory and owner of standard output at once; ids and capabilities are listed. */
function becomeUser(command: Of<'set-identity'>, parts: EnterParts): void {
  const { context, calls, firstId } = parts;
  const { uid, gid, groups } = context.user ?? command;
  const { capabilities, noNewPrivileges } = context.process;
  const identity = { uid, gid, groups, capabilities, noNewPrivileges };
  if (firstId !== 0) refuseUnmapped(identity);
  enterWorkingDirectory(context);
  ownStdio(uid, firstId);
  joinUsers(parts);
  calls.list((kernel) => {
    applyIdentity(kernel, identity);
    // Where fs.suid_dumpable says so, the change of ids has made the process dumpable again.
    kernel.prctl(k.PR_SET_DUMPABLE, 0);
  });
  context.identity = identity;
}

function becomeCalls(
  { argv, cwd }: Of<'exec'>,
  { context, calls, channel, fill, firstId }: EnterParts,
): void {
  const { kernel, identity, user } = context;
  const env = withHome(context.process.env, user);
  const find = (): string => {
    if (context.cwdPending) changeDirectory(cwd, context);
    return findExecutable(argv[0], env);
  };
  calls.execute(identity === undefined ? find() : asUser(kernel, identity, find, firstId), argv, env);
  const file = fill(calls.image(channel.fd));
  kernel.umask(0o022);
  kernel.closeRange(3, true);
  for (const fd of [channel.fd, ...calls.kept]) setCloseOnExec(fd, false);
  kernel.resetSignals();
  channel.send({ type: 'calls', table: CALL_TABLE, calls: calls.words(channel.fd) });
  kernel.executeFile(file, ['minidock', 'exec', argv[0]], []);
}

/** A directory, a FIFO or a device in place of a passwd file holds no users, and is not even opened. */
function openIfFile(parts: EnterParts, path: string): number | undefined {
  try {
    return reopen(
      parts,
      path,
      // A program inside may hold a lease on it (fcntl(2)), for which a plain open waits.
      constants.O_RDONLY | constants.O_NONBLOCK,
      (stat, found) => stat.isFile() && !isKernelFileSystem(parts.context.kernel, found),
    );
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}
