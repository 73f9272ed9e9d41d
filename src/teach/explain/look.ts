/**
 * How to see a step's result from the host. A step of PID 1 says what to type inside the container. While the
 * container is being built, nothing inside can run that command, and the image may not contain the program. The host
 * reads the same below /proc/PID, whatever the image holds, and the user can paste the command to look again.
 */
import type { Step } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { ExecOptions } from '../../engine/plans/exec-plan.ts';
import type { Container } from '../../engine/state/store.ts';

/** The arguments of `minidock exec` before the program; the container's name comes last. */
export type ExecWords = readonly string[];

/** Steps with a look from the host: a second process in the container while it runs. */
export const throughExec = (steps: readonly Step[], exec: ExecWords): readonly Step[] =>
  steps.map((step) => {
    const { observe, observeFrom } = step;
    if (observe === undefined || observeFrom !== 'inside') return step;
    const terminal = observe[0] === 'tty' ? ['-t'] : [];
    return { ...step, observe: ['minidock', 'exec', ...terminal, ...exec, ...observe] };
  });

/** The user and the directory of the exec'd process. */
export const sameAs = (
  { config }: Container,
  { user, workdir, privileged }: Pick<ExecOptions, 'user' | 'workdir' | 'privileged'>,
): ExecWords => [
  ...(user === '' ? [] : ['-u', user]),
  ...(workdir === '' ? [] : ['-w', workdir]),
  ...(privileged ? ['--privileged'] : []),
  config.name,
];

export interface Place {
  /** The PID of the process inside, as the host sees it. */
  readonly pid: number;
  /** The path of its root until pivot_root(2) makes it '/'; then ''. */
  readonly root: string;
}

export function fromHost(argv: Argv, { pid, root }: Place): Argv {
  const [program, ...words] = argv;
  const own = `/proc/${String(pid)}`;
  switch (program) {
    case 'hostname':
      return ['nsenter', `--target=${String(pid)}`, '--uts', 'hostname'];
    case 'id':
      return ['grep', '-E', '^(Uid|Gid|Groups)', `${own}/status`];
    case 'pwd':
      return ['readlink', `${own}/cwd`];
    case 'tty':
      return ['readlink', `${own}/fd/0`];
    case 'ps':
      return ['ps', '-o', 'pid,user,args', '-p', String(pid)];
  }
  const seen = words.map((word) => {
    if (word.startsWith('/proc/sys/')) return word;
    if (word === '/proc/mounts') return `${own}/mounts`;
    const process = /^\/proc\/(?:self|1)\/(.*)$/.exec(word);
    if (process !== null) return `${own}/${process[1] ?? ''}`;
    if (word.startsWith('/')) return `${own}/root${root}${word}`;
    // A mount point to find in a list of mounts.
    const mounted = /^ (\/.*) $/.exec(word)?.[1];
    return mounted === undefined
      ? word
      : ` ${root === '' ? mounted : `${root}${mounted}`.replace(/\/$/, '')} `;
  });
  // Settings below /proc/sys depend on the namespaces of the process that reads them.
  return seen.some((word) => word.startsWith('/proc/sys/'))
    ? ['nsenter', `--target=${String(pid)}`, '--uts', '--ipc', '--net', program, ...seen]
    : [program, ...seen];
}
