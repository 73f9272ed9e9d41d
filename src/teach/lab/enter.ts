/**
 * Runs a program inside a lab with our standard streams, and with nothing else of ours.
 *
 * Every program in the lab may be hostile, /usr/bin/env and /usr/bin/script included: root of the lab can mount over
 * them. So the entering process becomes the lab's root before any process of the lab can see it. It drops what the
 * machine's root has: environment, keys, session, and with the session the terminal, into which the lab could
 * otherwise type (TIOCSTI, ioctl_tty(2)).
 */
import { spawn as startProcess, spawnSync } from 'node:child_process';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { requireTool } from '../../../runtime/plan/tools.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { stdinIsTerminal, stdout } from '../../io/standard-streams.ts';
import { LAB_IDS, LAB_PATH } from './host-script.ts';
import { groupsOf, type RunningLab } from './lab-dirs.ts';

const KEPT = ['PATH', 'TERM', 'COLORTERM', 'LANG', 'LC_ALL', 'LC_CTYPE', 'NO_COLOR', 'FORCE_COLOR', 'TZ'];

/** The variables of our environment that a lab gets. */
export const keptEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(KEPT.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));

/** Children inherit our session keyring (keyrings(7)), so this process joins a new one. */
export function leaveKeys(): void {
  try {
    kernel.joinSessionKeyring(`minidock-lab-${String(process.pid)}`);
  } catch {
    return; // The kernel has no keyrings.
  }
}

/** The capabilities that nsenter needs to enter; inside they are gone. */
const CAPABILITIES = '-all,+sys_admin,+sys_chroot,+sys_ptrace';

/** The argv that runs a program in the lab, with the lab's namespaces, groups and root. Its session must be a new one. */
export function enterWords(lab: RunningLab): [string, ...string[]] {
  const groups = groupsOf(lab.dir);
  const intoGroups =
    'n=$1; shift; while [ $n -gt 0 ]; do echo 0 >"$1/cgroup.procs"; shift; n=$((n-1)); done; exec "$@"';
  const root = String(LAB_IDS.first);
  return [
    // The same filter as for the processes inside (confine.ts).
    ...([process.execPath, '__confine'] as [string, ...string[]]),
    ...(['sh', '-ec', intoGroups, 'enter', String(groups.length), ...groups] as [string, ...string[]]),
    // Before it enters: once it is in the PID namespace, root of the lab may trace it (ptrace(2) checks only the user
    // namespace), and a process that is still the machine's root may write all of /proc/sys.
    'setpriv',
    `--reuid=${root}`,
    `--regid=${root}`,
    '--clear-groups',
    `--inh-caps=${CAPABILITIES}`,
    `--ambient-caps=${CAPABILITIES}`,
    'nsenter',
    `--target=${String(lab.pid)}`,
    '--user',
    '--setuid=0',
    '--setgid=0',
    '--mount',
    '--net',
    '--pid',
    '--uts',
    '--ipc',
    '--cgroup',
    '--',
    'env',
    'HOME=/root',
    'SHELL=/bin/bash',
    `PATH=${LAB_PATH}`,
    `MINIDOCK_LAB=${lab.lesson}`,
  ];
}

/**
 * Runs a program in the lab with this process's standard streams. Returns the exit status, 128 + N after a signal.
 *
 * It uses two terminals: one of the machine, so that no process in the lab holds ours, and one of the lab, whose name
 * exists in there.
 */
export async function runInLab(lab: RunningLab, argv: Argv): Promise<number> {
  leaveKeys();
  const settings = stdinIsTerminal() && stdout.isTTY ? stty(['-g'])?.trim() : undefined;
  const terminal = settings !== undefined;
  if (terminal) requireTool('script');
  const [program, ...args] = terminal
    ? atTerminal([...enterWords(lab), ...atTerminal(argv)])
    : [...enterWords(lab), ...argv];
  const child = startProcess(program, args, {
    stdio: 'inherit',
    cwd: '/',
    // A session of its own (setsid(2)) has no terminal.
    detached: !terminal,
    env: { ...keptEnvironment(), SHELL: '/bin/sh' },
  });
  // Signals are for the program inside; a terminal sends them as typed characters.
  const forward = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined) signalTo(terminal ? child.pid : -child.pid, signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 128)));
    });
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
    // The process that forwards the input may have been killed with the lab.
    if (terminal) stty([settings]);
  }
}

const FORWARDED = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;

const atTerminal = (argv: Argv): [string, ...string[]] => [
  'script',
  '--quiet',
  '--return',
  '--command',
  `exec ${renderArgv(argv)}`,
  '/dev/null',
];

/** A process, or a process group as a negative number; it may have ended. */
export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // It has just ended.
  }
}

function stty(words: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('stty', words, {
    stdio: ['inherit', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  return status === 0 ? stdout : undefined;
}
