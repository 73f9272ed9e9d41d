/**
 * Carries out one container command: the kernel side of the plan, as against its words. One case a kind, each a
 * few system calls; what a file system step needs is in runtime/rootfs/perform.ts.
 */
import { closeSync, constants, fstatSync, openSync, writeFileSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import type { OciSeccomp } from '../bundle.ts';
import type { ContainerCommand } from '../plan/command.ts';
import { openInRoot } from '../rootfs/in-root.ts';
import { makeReadonly, mask, setSysctl } from '../rootfs/perform-kernel-files.ts';
import { makeDirectory, makeLink, makeNode } from '../rootfs/perform-make.ts';
import { mount } from '../rootfs/perform-mount.ts';
import { pivotRoot, sealMounts, unmount, verifyRoot } from '../rootfs/perform-pivot.ts';
import { isKernelFileSystem } from '../rootfs/safe-target.ts';
import { rootOf } from '../rootfs/tree.ts';
import {
  CLONE_NEWCGROUP,
  CLONE_NEWNET,
  O_PATH,
  RLIMITS,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
} from '../syscall/constants.ts';
import { errnoOf, SyscallError } from '../syscall/error.ts';
import type { PerformContext } from './context.ts';
import { execFailed, findExecutable } from './executable.ts';
import { applyIdentity } from './identity/identity.ts';
import { fileParts } from './identity/lines.ts';
import { compileSeccomp } from './seccomp/compile.ts';
import { adoptTerminal, openTerminal } from './terminal.ts';
import { isNull, leaveHostNull, ownStdio } from './stdio.ts';
import { resolveUser, type ResolvedUser } from './identity/users.ts';

type Of<K extends ContainerCommand['kind']> = Extract<ContainerCommand, { kind: K }>;

export function perform(command: ContainerCommand, context: PerformContext): void {
  const { kernel } = context;
  switch (command.kind) {
    case 'join-cgroup':
      for (const file of command.procs) writeFileSync(file, '0');
      return;
    case 'join-netns':
      return joinNetns(command, context);
    case 'unshare-cgroup':
      return kernel.unshare(CLONE_NEWCGROUP);
    case 'enter-namespaces':
    case 'fork':
      throw new Error(`${command.kind} is a step of exec (enter-perform.ts)`);
    case 'join-keyring':
      return joinKeyring(command, context);
    case 'set-oom-score':
      return asMachine("Lower than the caller's score (/proc/self/oom_score_adj)", () =>
        writeFileSync('/proc/self/oom_score_adj', String(command.value)),
      );
    case 'mount':
      return mount(command, context);
    case 'umount':
      return unmount(command, context);
    case 'pivot-root':
      return pivotRoot(command, context);
    case 'seal-mounts':
      return sealMounts(command, context);
    case 'make-dir':
      return makeDirectory(command, context);
    case 'symlink':
      return makeLink(command, context);
    case 'mknod':
      return makeNode(command, context);
    case 'mask':
      return mask(command, context);
    case 'verify-root':
      return verifyRoot(command, context);
    case 'make-readonly':
      return makeReadonly(command, context);
    case 'set-hostname':
      return kernel.sethostname(command.hostname);
    case 'set-domainname':
      return kernel.setdomainname(command.domainname);
    case 'set-sysctl':
      return setSysctl(command, context);
    case 'find-user':
      context.user = resolveUser(command.user, command.groups, {
        passwd: fileParts('/etc/passwd', () => openIfFile('/etc/passwd', context)),
        group: fileParts('/etc/group', () => openIfFile('/etc/group', context)),
      });
      return;
    case 'open-terminal':
      context.terminal = openTerminal(command, context);
      return;
    case 'new-session':
      kernel.setsid();
      if (command.terminal) adoptTerminal(context);
      return;
    case 'set-rlimit':
      return asMachine(
        'Higher than the hard limit that there is (prlimit), which for open files is never above fs.nr_open,',
        () => setRlimit(command, context),
      );
    case 'load-seccomp':
      return loadSeccomp(context);
    case 'set-identity':
      return becomeUser(command, context);
    case 'exec':
      return execute(command, context);
  }
}

/** What takes a capability in the machine's own user namespace; in another, root has it for what belongs to that. */
function asMachine(what: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const code = errnoOf(error);
    if (code !== 'EPERM' && code !== 'EACCES') throw error;
    throw new MinidockError({
      code,
      message: (error as Error).message,
      hint: `${what} takes CAP_SYS_RESOURCE on the machine itself, which root of a user namespace or of a container lacks.`,
      cause: error,
    });
  }
}

function joinNetns({ path }: Of<'join-netns'>, { kernel, hostRoot }: PerformContext): void {
  const namespace = openSync(hostRoot + path, 'r');
  try {
    kernel.setns(namespace, CLONE_NEWNET);
  } finally {
    closeSync(namespace);
  }
}

function joinKeyring({ name }: Of<'join-keyring'>, { kernel }: PerformContext): void {
  try {
    kernel.joinSessionKeyring(name);
  } catch (error) {
    if (errnoOf(error) !== 'ENOSYS') throw error; // A kernel without keyrings has none to leak.
  }
}

function setRlimit({ name, soft, hard }: Of<'set-rlimit'>, { kernel }: PerformContext): void {
  const resource = RLIMITS[name];
  if (resource === undefined) {
    throw new MinidockError({ code: 'BAD_RLIMIT', message: `unknown resource limit ${name}` });
  }
  kernel.setrlimit(resource, soft, hard);
}

/** Takes milliseconds, so it is done while the supervisor does its part. */
export const compileFilter = (profile: OciSeccomp | undefined): Uint8Array | undefined =>
  profile && compileSeccomp(profile, process.arch === 'arm64' ? 'aarch64' : 'x86_64');

function loadSeccomp(context: PerformContext): void {
  context.filter ??= compileFilter(context.seccomp);
  if (context.filter === undefined) return;
  context.kernel.seccompSetFilter(context.filter, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
}

/** A FIFO or device in place of a passwd file would keep PID 1 waiting for ever; such a file holds no users. */
function openIfFile(path: string, context: PerformContext): number | undefined {
  const { kernel } = context;
  let fd: number;
  try {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    fd = openInRoot(kernel, rootOf(context), path, flags);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV'].includes(errnoOf(error))) return undefined;
    throw error;
  }
  if (fstatSync(fd).isFile() && !isKernelFileSystem(kernel, fd)) return fd;
  closeSync(fd);
  return undefined;
}

function becomeUser(command: Of<'set-identity'>, context: PerformContext): void {
  const user = context.user ?? { ...command, home: '' };
  enterWorkingDirectory(context);
  leaveHostNull(context.kernel, () => openNull(context));
  ownStdio(user.uid);
  applyIdentity(context.kernel, { ...user, ...pick(context) });
}

function openNull(context: PerformContext): number | undefined {
  const flags = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY;
  const fd = openInRoot(context.kernel, rootOf(context), '/dev/null', flags);
  return isNull(fstatSync(fd)) ? fd : undefined;
}

const pick = ({
  process,
}: PerformContext): Pick<PerformContext['process'], 'capabilities' | 'noNewPrivileges'> => ({
  capabilities: process.capabilities,
  noNewPrivileges: process.noNewPrivileges,
});

/** As root first: the directory may be closed to the user, who is put into it all the same, as in Docker. */
export function enterWorkingDirectory(context: PerformContext): void {
  try {
    changeDirectory(context.process.cwd, context);
  } catch (error) {
    if (errnoOf(error) !== 'EACCES' && errnoOf(error) !== 'EPERM') throw error;
    context.cwdPending = true;
  }
}

/** By a descriptor opened in the root: a path through /proc/self/fd leads nowhere else (CVE-2024-21626). */
export function changeDirectory(path: string, context: PerformContext): void {
  const { kernel } = context;
  try {
    const directory = openInRoot(kernel, rootOf(context), path, O_PATH | constants.O_DIRECTORY);
    kernel.fchdir(directory);
    closeSync(directory);
  } catch (error) {
    throw new MinidockError({
      code: errnoOf(error) || 'CHDIR_FAILED',
      message: `cannot enter the working directory ${path}: ${error instanceof SyscallError ? error.reason : String(error)}`,
      cause: error,
    });
  }
}

function execute(command: Of<'exec'>, context: PerformContext): void {
  const { kernel, user } = context;
  if (context.cwdPending) changeDirectory(command.cwd, context);
  const env = withHome(context.process.env, user);
  // Whatever is open or ignored in minidock stays behind: the program inherits nothing else. The descriptors are
  // closed now and not by execve(2), since the kernel looks the program up first, and /proc/self/fd/N is a name, too.
  kernel.closeAllBut(3, context.channel);
  const path = findExecutable(command.argv[0], env);
  kernel.umask(0o022);
  kernel.resetSignals();
  try {
    kernel.execve(path, command.argv, env);
  } catch (error) {
    if (error instanceof SyscallError) throw execFailed(path, error.errno, error.reason);
    throw error;
  }
}

/** HOME from the container's passwd file where neither image nor flags set one, as in Docker. */
export function withHome(env: readonly string[], user: ResolvedUser | undefined): readonly string[] {
  if (env.some((entry) => entry.startsWith('HOME=') && entry !== 'HOME=')) return env;
  const home = user === undefined || user.home === '' ? '/' : user.home;
  return [...env.filter((entry) => !entry.startsWith('HOME=')), `HOME=${home}`];
}
