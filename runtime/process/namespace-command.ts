/**
 * The command lines that put a process of ours where the container is: `unshare` and `nsenter` from util-linux do
 * the namespaces, since a process with threads, as every JavaScript engine's is, cannot enter a new PID namespace
 * itself (unshare(2)). Pure; the same line is run and printed.
 */
import type { OciConfig, OciNamespace } from '../bundle.ts';
import type { Argv, HostStep } from '../plan/step.ts';

export interface InitCommand {
  readonly initBinary: string;
  readonly bundleDir: string;
  readonly socketPath: string;
}

/** unshare(1) and nsenter(1) agree on these names. The cgroup namespace is PID 1's own affair: it joins first. */
const OPTION: Readonly<Record<OciNamespace, string>> = {
  mount: '--mount',
  uts: '--uts',
  ipc: '--ipc',
  pid: '--pid',
  network: '--net',
  cgroup: '--cgroup',
};

/**
 * Environment of a process that becomes a program within milliseconds. JavaScriptCore would start compiling what it
 * runs twice, on threads of its own, and never see the benefit: a third of all the processor time until execve(2).
 * The program does not inherit it.
 */
export const SHORT_LIVED: Readonly<Record<string, string>> = { BUN_JSC_useBaselineJIT: '0' };

/**
 * Those without a path are made; one with a path is PID 1's to enter, when it is there (container-steps.ts): the
 * command is the same whatever the network will be, so it can be started before that is known.
 */
export function unshareArgv(
  namespaces: OciConfig['linux']['namespaces'],
  { initBinary, bundleDir, socketPath }: InitCommand,
): Argv {
  const made = namespaces.filter(({ type, path }) => path === undefined && type !== 'cgroup');
  return [
    'unshare',
    ...made.map(({ type }) => OPTION[type]),
    // PID 1 cuts propagation itself, as a step that can be seen and that fails loudly.
    '--propagation',
    'unchanged',
    '--fork',
    '--',
    initBinary,
    '__init',
    bundleDir,
    socketPath,
  ];
}

export interface EnterCommand {
  readonly initBinary: string;
  readonly requestPath: string;
  readonly socketPath: string;
}

/**
 * `unshare --mount` in front gives the process a mount namespace of its own for the moment, in which enter.ts can
 * turn the mount that holds minidock's program file read-only: see there. The container's mount namespace is not
 * entered here but by enter.ts, since the program file would be out of nsenter's reach afterwards.
 */
export function nsenterArgv(pid: number, config: OciConfig, command: EnterCommand): Argv {
  const entered = config.linux.namespaces
    .filter(({ type }) => type !== 'mount' && type !== 'cgroup')
    .map(({ type }) => OPTION[type]);
  return [
    'unshare',
    '--mount',
    '--propagation',
    'unchanged',
    '--',
    'nsenter',
    '--target',
    String(pid),
    ...entered,
    '--',
    command.initBinary,
    '__enter',
    command.requestPath,
    command.socketPath,
  ];
}

export const EXEC_START = 'exec.start';

/** The process of an exec, by nsenterArgv. */
export const execStart = (argv: Argv, containerPid: number): HostStep => ({
  id: EXEC_START,
  section: 'process',
  title: 'Start a process in the container’s namespaces',
  why:
    'setns(2) puts a process into namespaces that exist already, here those of the container’s PID 1: its network, ' +
    'its host name, its shared memory; its process numbers hold for the child that nsenter forks. unshare in front ' +
    'gives it a copy of the host’s mounts that can be sealed without sealing the host.',
  without:
    'The program would run on the host: other interfaces, other processes, another host name than the container’s.',
  command: { kind: 'run', argv },
  undo: { kind: 'none', why: 'it is gone when the program ends, and leaves the container as it was' },
  observe: ['ls', '-l', `/proc/${containerPid}/ns`],
});
