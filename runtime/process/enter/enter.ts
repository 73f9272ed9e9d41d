/**
 * A further process in a running container (`exec`). The container may be hostile: a program in it that may trace
 * (`--cap-add SYS_PTRACE`, `--privileged`) waits for the one that comes in, to read the host through /proc/PID/root
 * or to take it over. So nothing that has anything of the host's is ever in the container's PID namespace:
 *
 *     minidock __enter REQUEST SOCKET     in the host's PID namespace, where no name in the container means it;
 *       │                                 looks up the user and the program, opens the terminal, and writes down
 *       │                                 the rest as a list of system calls
 *       └─ execveat(memory file) ──> the list (runtime/syscall/call-program.ts)
 *            reaper                       a page, no descriptors, in the host's PID namespace; has the exit status
 *            ├─ preparer                  likewise, until execve: cgroup, PID namespace, filter, user, capabilities
 *            └─ program                   born in the container's namespaces with what the program will have: its
 *                                         user, capabilities, filter, and descriptors 0 to 2; setsid, execve
 *
 * A tracer of that process gains nothing. Its /proc/PID/exe is the memory file, which is sealed, so that an image
 * with the program `#!/proc/self/exe` starts a list of calls that fails (CVE-2019-5736). minidock's own program file
 * is never there to be found: runc copies itself into memory for that, and 119 MB would take longer to copy than all
 * the rest of exec. Nothing is left for freezing the container meanwhile to protect.
 *
 * The filter is loaded before the fork, so a seccomp profile of the user's must allow clone, setsid and execve. The
 * preparing process counts in the container's cgroup (`--pids-limit`) until execve(2) has succeeded.
 */
import { constants, openSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { MinidockError } from '../../errors.ts';
import { O_PATH, PR_SET_DUMPABLE } from '../../syscall/constants.ts';
import { errnoOf } from '../../syscall/error.ts';
import { loadErrorNames } from '../../syscall/ffi.ts';
import { connectSupervisor, traceTo } from '../channel.ts';
import { newContext } from '../context.ts';
import { EnterCalls } from './enter-calls.ts';
import { performEnter } from './enter-perform.ts';
import type { EnterRequest } from './enter-request.ts';
import { enterSteps } from './enter-steps.ts';
import { newProgramFile } from '../program-file.ts';
import { attempt, runSteps } from '../run-steps.ts';

export function runEnter(requestPath: string, socketPath: string): void {
  const entered = performance.now();
  const calls = new EnterCalls();
  const { kernel } = calls;
  kernel.prctl(PR_SET_DUMPABLE, 0);
  const channel = connectSupervisor(socketPath);
  channel.send({ type: 'hello', pid: Number(readlinkSync('/proc/self')) });
  loadErrorNames();
  const request = attempt('exec.start', channel, () => {
    return JSON.parse(readFileSync(requestPath, 'utf8')) as EnterRequest;
  });
  if (request.result !== undefined) calls.result = calls.keep(request.result);
  if (request.trace === true) traceTo(channel, entered);
  const pidfd = attempt('exec.start', channel, () => openContainer(request, (pid) => kernel.pidfdOpen(pid)));
  kernel.umask(0);
  const context = newContext(kernel, request.process, request.seccomp, '', channel.fd);
  const descriptors = openSync('/proc/self/fd', O_PATH | constants.O_DIRECTORY);
  const fill = attempt('exec.start', channel, () => newProgramFile(kernel, dirname(requestPath)));
  const { firstId = 0 } = request;
  const parts = { context, calls, channel, pidfd, descriptors, fill, firstId };
  runSteps(enterSteps(request), context, channel, { perform: (step) => performEnter(step, parts) });
}

/** A handle on the container's PID 1, and on no other process that has got its number since. */
function openContainer(
  { containerPid, containerStart }: EnterRequest,
  open: (pid: number) => number,
): number {
  try {
    const pidfd = open(containerPid);
    const stat = readFileSync(`/proc/${containerPid}/stat`, 'utf8');
    // Fields are counted behind the command's name, which is in parentheses and may hold anything.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    if (started === (containerStart ?? started)) return pidfd;
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'ENOENT') throw error;
  }
  throw new MinidockError({ code: 'NOT_RUNNING', message: 'the container has stopped' });
}
