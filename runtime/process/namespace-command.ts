/**
 * The command lines that start a process of ours which becomes one of the container's. `unshare` from util-linux makes
 * the namespaces of PID 1, since a process with threads, as every JavaScript engine's is, cannot enter a new PID
 * namespace itself (unshare(2)); exec enters them on its own (enter.ts). Pure; the same line is run and printed.
 */
import type { OciConfig, OciIdMapping } from '../bundle.ts';
import { NAMESPACE_OPTION } from '../plan/tools.ts';
import type { HostStep } from '../plan/step.ts';
import type { Argv } from '../plan/argv.ts';

export interface InitCommand {
  /** Of a user namespace, which the command then makes: the first. */
  readonly mapping?: OciIdMapping | undefined;
  readonly initBinary: string;
  readonly bundleDir: string;
  readonly socketPath: string;
}

/**
 * Environment of a process that becomes a program within milliseconds. JavaScriptCore would start compiling what it
 * runs twice, on threads of its own, and never see the benefit: a third of all the processor time until execve(2).
 * The program does not inherit it.
 */
export const SHORT_LIVED: Readonly<Record<string, string>> = { BUN_JSC_useBaselineJIT: '0' };

/**
 * Those without a path are made. Those of another container (pid, ipc) are entered first, by nsenter(1): a PID namespace
 * is entered by the children only, as unshare's is. A network with a path is PID 1's to enter, when it is there
 * (container-steps.ts): the command is the same whatever the network will be, so it can be started before that is known.
 */
export function unshareArgv(
  namespaces: OciConfig['linux']['namespaces'],
  { initBinary, bundleDir, socketPath, mapping }: InitCommand,
): Argv {
  const made = namespaces.filter(({ type, path }) => path === undefined && type !== 'cgroup');
  const joined = namespaces.flatMap(({ type, path }) =>
    path === undefined || type === 'network' ? [] : [`${NAMESPACE_OPTION[type]}=${path}`],
  );
  const words: Argv = [
    'unshare',
    ...made.map(({ type }) => NAMESPACE_OPTION[type]),
    ...(mapping === undefined ? [] : mapWords(mapping)),
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
  return joined.length === 0 ? words : ['nsenter', ...joined, '--no-fork', '--', ...words];
}

/** Root of the namespace from the start: another user would lose all powers at the next execve(2). */
function mapWords({ containerID, hostID, size }: OciIdMapping): readonly string[] {
  const range = `${containerID}:${hostID}:${size}`;
  return [`--map-users=${range}`, `--map-groups=${range}`, '--setuid=0', '--setgid=0'];
}

export interface EnterCommand {
  readonly initBinary: string;
  readonly requestPath: string;
  readonly socketPath: string;
}

export const enterArgv = ({ initBinary, requestPath, socketPath }: EnterCommand): Argv => [
  initBinary,
  '__enter',
  requestPath,
  socketPath,
];

export const EXEC_START = 'exec.start';

/** The process of an exec, by enterArgv. */
export const execStart = (argv: Argv, containerPid: number): HostStep => ({
  id: EXEC_START,
  section: 'process',
  title: 'Start a process beside the container',
  why:
    'It works out what the program is to be while it is still outside, where no process of the container can see it, ' +
    'trace it or open its files under /proc. What follows is done by it.',
  without:
    'A process that is inside with the host’s files still at hand would lead a hostile container to them.',
  command: { kind: 'run', argv },
  undo: { kind: 'none', why: 'it is gone when the program ends, and leaves the container as it was' },
  observe: ['ls', '-l', `/proc/${containerPid}/ns`],
});
