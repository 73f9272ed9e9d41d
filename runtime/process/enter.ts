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
import { closeSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { OciProcess, OciSeccomp } from '../bundle.ts';
import { MinidockError } from '../errors.ts';
import { CLONE_FS, CLONE_NEWCGROUP, CLONE_NEWNS, MOUNT_ATTR_RDONLY } from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import { kernel } from '../syscall/libc.ts';
import { span } from '../trace.ts';
import { connectSupervisor, traceTo } from './channel.ts';
import { newContext } from './context.ts';
import { identitySteps, prepareProcessSteps } from './process-steps.ts';
import { attempt, runSteps } from './run-steps.ts';

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

export function runEnter(requestPath: string, socketPath: string): void {
  const entered = performance.now();
  const channel = connectSupervisor(kernel, socketPath);
  channel.send({ type: 'hello', pid: Number(readlinkSync('/proc/self')) });
  const request = attempt('exec.start', channel, () => {
    return JSON.parse(readFileSync(requestPath, 'utf8')) as EnterRequest;
  });
  if (request.trace === true) traceTo(channel, entered);
  attempt('exec.join-cgroup', channel, () => span('step', 'exec.join-cgroup', () => joinCgroup(request)));
  attempt('exec.enter-namespaces', channel, () =>
    span('step', 'exec.enter-namespaces', () => enterNamespaces(request.containerPid)),
  );
  kernel.umask(0);
  const context = newContext(kernel, request.process, request.seccomp, '');
  const steps = [
    ...prepareProcessSteps(request.process, { console: '', makeCwd: false }),
    ...identitySteps(request.process, request.seccomp),
  ];
  runSteps(steps, context, channel);
}

function joinCgroup(request: EnterRequest): void {
  for (const file of request.cgroupProcs) writeFileSync(file, '0');
  const { oomScoreAdj } = request.process;
  if (oomScoreAdj !== undefined) writeFileSync('/proc/self/oom_score_adj', String(oomScoreAdj));
}

function enterNamespaces(containerPid: number): void {
  const cgroup = openSync(`/proc/${containerPid}/ns/cgroup`, 'r');
  const mount = openSync(`/proc/${containerPid}/ns/mnt`, 'r');
  seal();
  kernel.setns(cgroup, CLONE_NEWCGROUP);
  // Threads share one root and current directory, and setns(2) refuses to change those of others: this thread,
  // the one that goes on to execve(2), takes its own first.
  kernel.unshare(CLONE_FS);
  kernel.setns(mount, CLONE_NEWNS);
  closeSync(cgroup);
  closeSync(mount);
  process.chdir('/');
}

/**
 * An image whose program is `#!/proc/self/exe` makes the kernel start minidock anew inside the container, with the
 * image's libc, as a process its own processes may trace: they could then open the program file for writing, on the
 * host (CVE-2019-5736). That file belongs to a mount, and ours, in a mount namespace that nobody else is in, is made
 * read-only here; the mount outlives the namespace for as long as the file is in use. runc copies itself into
 * memory instead, which for a program of 100 MB would take longer than all the rest of exec.
 */
function seal(): void {
  if (inHostMountNamespace()) {
    throw new MinidockError({
      code: 'NOT_UNSHARED',
      message: 'exec must be started in a mount namespace of its own (see namespace-command.ts)',
    });
  }
  kernel.mountSetattr('/', true, { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0 });
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
