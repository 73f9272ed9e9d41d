/**
 * A further process in a running container (`exec`). nsenter has put it into all of the container's namespaces but
 * two: it joins the cgroup while the host's cgroup file system can be reached, then the cgroup and mount namespaces.
 *
 *     unshare --mount                  a mount namespace for the moment, see `seal`
 *       nsenter --net --uts --ipc --pid   forks: the PID namespace holds for children
 *         └─ minidock __enter REQUEST SOCKET    this; then the program
 *
 * The container may be hostile, and from the moment nsenter forked its processes see this one. What keeps them off:
 * a process with more capabilities than they have cannot be traced by them, nor its /proc/PID opened (ptrace(2));
 * when the capabilities shrink, PR_SET_DUMPABLE takes over (identity.ts); and `seal`.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import { errnoOf } from '../syscall/error.ts';
import { containerKernel as kernel } from '../syscall/file-calls.ts';
import { connectSupervisor, traceTo } from './channel.ts';
import { newContext } from './context.ts';
import { enterSteps, type EnterRequest } from './enter-steps.ts';
import { attempt, runSteps } from './run-steps.ts';

export function runEnter(requestPath: string, socketPath: string): void {
  const entered = performance.now();
  const channel = connectSupervisor(socketPath);
  channel.send({ type: 'hello', pid: Number(readlinkSync('/proc/self')) });
  const request = attempt('exec.start', channel, () => {
    return JSON.parse(readFileSync(requestPath, 'utf8')) as EnterRequest;
  });
  if (request.trace === true) traceTo(channel, entered);
  attempt('exec.start', channel, refuseHostMounts);
  kernel.umask(0);
  const context = newContext(kernel, request.process, request.seccomp, '', channel.fd);
  runSteps(enterSteps(request), context, channel);
}

/**
 * An image whose program is `#!/proc/self/exe` makes the kernel start minidock anew inside the container, with the
 * image's libc, as a process its own processes may trace: they could then open the program file for writing, on the
 * host (CVE-2019-5736). That file belongs to a mount, and ours, in a mount namespace that nobody else is in, is made
 * read-only here; the mount outlives the namespace for as long as the file is in use. runc copies itself into
 * memory instead, which for a program of 100 MB would take longer than all the rest of exec.
 */
function refuseHostMounts(): void {
  if (inHostMountNamespace()) {
    throw new MinidockError({
      code: 'NOT_UNSHARED',
      message: 'exec must be started in a mount namespace of its own (see namespace-command.ts)',
    });
  }
}

/** Sealing there would make the whole machine read-only, so a command line put together wrongly is caught here. */
function inHostMountNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/mnt') === readlinkSync('/proc/1/ns/mnt');
  } catch (error) {
    // EACCES: minidock itself runs with fewer capabilities than PID 1, so this is not a plain host.
    if (errnoOf(error) === 'EACCES') return false;
    throw error;
  }
}
