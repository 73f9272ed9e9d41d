/**
 * Into a lab from the machine: a program of the lab's, with our input and output, and with nothing else of ours.
 *
 * Whatever runs in there may belong to someone hostile, the programs on the way in among them: root of the lab can
 * mount others over /usr/bin/env or /usr/bin/script. So what enters is the lab's root and nobody else before any of
 * the lab's processes can see it, and has left behind what the machine's root has: its environment, its keys, its
 * session and thereby its terminal, into which it could otherwise type (TIOCSTI, ioctl_tty(2)).
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

/** What a lab gets of our environment. */
export const keptEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(KEPT.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));

/** The keys of our session (keyrings(7)) would go along to all that we start: another session, then, for this process. */
export function leaveKeys(): void {
  try {
    kernel.joinSessionKeyring(`minidock-lab-${String(process.pid)}`);
  } catch {
    return; // A kernel without keys.
  }
}

/** What nsenter needs of the machine's powers to enter; once inside they are gone. */
const CAPABILITIES = '-all,+sys_admin,+sys_chroot,+sys_ptrace';

/** The words that put a program into the lab, with the lab's namespaces, groups and root. */
function enterWords(lab: RunningLab): [string, ...string[]] {
  const groups = groupsOf(lab.dir);
  const intoGroups =
    'n=$1; shift; while [ $n -gt 0 ]; do echo 0 >"$1/cgroup.procs"; shift; n=$((n-1)); done; exec "$@"';
  const root = String(LAB_IDS.first);
  return [
    // Whoever enters is held to the same calls as those inside (confine.ts).
    ...([process.execPath, '__confine'] as [string, ...string[]]),
    ...(['sh', '-ec', intoGroups, 'enter', String(groups.length), ...groups] as [string, ...string[]]),
    // Before the lab is entered: as soon as it is in the PID namespace, root in there may trace it (ptrace(2) asks only
    // the user namespace), and a process that is still the machine's root may write all of /proc/sys.
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
 * Runs a program in the lab with this process's own input and output. The exit status, 128 + N after a signal.
 *
 * A terminal is given twice: one of the machine's stands between ours and the lab, so that nobody in there holds ours,
 * and one of the lab's own, whose name means something in there.
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
  // Signals are meant for what runs in there; from a terminal they come as the characters that were typed.
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
    // Whoever forwards what is typed was perhaps killed with the lab.
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

/** A process, or a group by its negative number, that may have ended. */
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
