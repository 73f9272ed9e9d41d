/**
 * The steps of process 1 as lines of bash. minidock makes system calls in one process; the script runs the host's
 * tools, and pivot_root(2) puts those out of reach. So it departs from the plan's order in three ways, each marked in
 * the script:
 *
 *     paths      what the plan does inside, after the root was changed, is done to the tree before: `rootfs/proc/sys`
 *     exec       a tool that changes its own process (unshare, nsenter, setsid, setpriv) does so in front of a program:
 *                the first two begin the next function by exec, the others are gathered in `via` for the last exec
 *     root       changed from outside, when process 1 has nothing left to do but exec (`become`)
 */
import type { ContainerCommand } from '../../../runtime/plan/command.ts';
import { quoteWord, renderArgv } from '../../../runtime/plan/quote.ts';
import { mountArgv, renderCommand } from '../../../runtime/plan/render.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { indented, remark, stepComment, type Numbered } from './comment.ts';
import { ROOTFS, type FreshVolume } from './places.ts';

export interface ContainerContext {
  /** The variables of the process, in order; HOME is looked up if it is missing. */
  readonly env: readonly string[];
  /** By mount point. */
  readonly volumes: ReadonlyMap<string, FreshVolume>;
  /** setpriv(1) loads a filter only together with no_new_privs. */
  readonly seccomp: boolean;
}

type Of<K extends ContainerCommand['kind']> = Extract<ContainerCommand, { kind: K }>;
type ContainerNumbered = Numbered & { readonly step: { readonly command: ContainerCommand } };

/** The steps that change the root; the host's side does them (`changeRoot`). */
export const isFromOutside = ({ command }: { readonly command: { readonly kind: string } }): boolean =>
  ['pivot-root', 'seal-mounts', 'umount', 'verify-root'].includes(command.kind);

/** Whole functions: container_1, container_2 and so on, each executed by the one before it. */
export function containerFunctions(
  steps: readonly ContainerNumbered[],
  context: ContainerContext,
): { readonly text: string; readonly names: readonly string[] } {
  const functions: string[][] = [[]];
  let told = false;
  for (const numbered of steps) {
    const { step } = numbered;
    const here = functions.at(-1) as string[];
    if (isFromOutside(step)) {
      if (!told)
        here.push(remark('Here the plan changes the root: see change_root, which does it from outside.'));
      told = true;
      continue;
    }
    const { command } = step;
    const next = `"$BASH" -c container_${functions.length + 1}`;
    here.push(`${stepComment(numbered)}\n${containerStep(command, context, next)}`);
    if (command.kind === 'unshare-cgroup' || command.kind === 'join-netns') functions.push([]);
  }
  const names = functions.map((_, index) => `container_${index + 1}`);
  const text = functions
    .map((parts, index) =>
      [
        `${names[index] ?? ''}() {`,
        '  set -euo pipefail',
        ...(index === 0 ? [HELLO] : []),
        ...(index === functions.length - 1 ? ['  via=()'] : []),
        parts.join('\n\n'),
        '}',
      ].join('\n'),
    )
    .join('\n\n');
  return { text, names };
}

function containerStep(command: ContainerCommand, context: ContainerContext, next: string): string {
  switch (command.kind) {
    case 'join-netns':
    case 'unshare-cgroup':
      return `  exec ${renderCommand(command)} -- ${next}`;
    case 'join-keyring':
      return remark(
        'No tool of util-linux does this, and it is left out: the program can use the session keyring of the user ' +
          `who runs this script. keyctl(1) of the package keyutils would: ${renderCommand(command)} PROGRAM.`,
      );
    case 'mount':
      return mount(command, context);
    case 'mknod':
    case 'symlink':
      return inDirectory(command);
    case 'make-dir':
      return `  cwd=$(place cwd ${quoteWord(command.path)})`;
    case 'set-sysctl': {
      const key = /^[^./]*\//.test(command.key) ? command.key : command.key.replaceAll('.', '/');
      return `  printf %s ${quoteWord(command.value)} >${quoteWord(`${ROOTFS}/proc/sys/${key}`)}`;
    }
    case 'mask':
      return indented(
        renderCommand({ ...command, path: ROOTFS + command.path }).replace(
          'mount --bind /dev/null ',
          'hide ',
        ),
      );
    case 'make-readonly':
      return indented(renderCommand({ ...command, path: ROOTFS + command.path }));
    case 'find-user':
      return `  find_user ${[command.user, ...command.groups].map(quoteWord).join(' ')}`;
    case 'open-terminal':
      return [
        remark(
          'The terminal is that of script(1), which started this process: it comes from the host’s devpts, so that its ' +
            'only name in here is the one given now. Its size follows that of the terminal the script runs in.',
        ),
        ...(command.console === ''
          ? []
          : [`  at=$(place file ${quoteWord(command.console)})`, `  mount --bind "$(tty)" "$at"`]),
      ].join('\n');
    case 'new-session':
      return `  via+=(${renderCommand(command)})`;
    case 'set-identity':
      return setIdentity(command, context);
    case 'load-seccomp':
      return loadSeccomp(context);
    case 'exec':
      return execute(command, context);
    case 'join-cgroup':
    case 'set-rlimit':
    case 'set-oom-score':
    case 'set-hostname':
    case 'set-domainname':
    case 'enter-namespaces':
    case 'fork':
    case 'pivot-root':
    case 'seal-mounts':
    case 'umount':
    case 'verify-root':
      return indented(renderCommand(command));
  }
}

/** /proc is still the host's, and so is the PID; inside it is 1. */
const HELLO = ['  read -r pid _ </proc/self/stat', '  echo "$pid" >&3'].join('\n');

function mount(command: Of<'mount'>, { volumes }: ContainerContext): string {
  const { target, type, options, source } = command;
  if (target === '/') {
    // Propagation of the whole tree as it stands, or the flags of the container's root.
    const whole = options.includes('remount') ? ROOTFS : '/';
    return indented(renderCommand({ ...command, target: whole }));
  }
  if (target === ROOTFS) {
    if (type !== 'overlay') return indented(renderCommand(command));
    return [
      remark(
        'mount(8) would hand over the layers by fsconfig(2), which takes 255 bytes of them; by mount(2) a page is ' +
          'allowed. layers/1 is the topmost.',
      ),
      `  LIBMOUNT_FORCE_MOUNT2=always ${renderCommand(command)}`,
    ].join('\n');
  }
  if (type === 'overlay') return `  LIBMOUNT_FORCE_MOUNT2=always ${renderCommand(command)}`;
  const inside = target.slice(ROOTFS.length);
  const path = quoteWord(inside);
  const rendered = (more: readonly string[] = []): string =>
    `  ${mountAt(mountArgv({ ...command, options: [...options, ...more] }))}`;
  if (options.includes('remount')) return [`  at=$(place there ${path})`, rendered()].join('\n');
  if (options.includes('bind') || options.includes('rbind')) {
    return [
      `  at=$(place "$(kind_of ${quoteWord(source)})" ${path})`,
      ...fill(volumes.get(inside)),
      rendered(),
    ].join('\n');
  }
  if (type === 'tmpfs' && !options.some((word) => word.startsWith('mode='))) {
    return [
      remark('It keeps the mode of the directory it covers.'),
      `  mode=1777`,
      `  if at=$(place there ${path}); then mode=$(stat --format=%a "$at"); else at=$(place dir ${path}); fi`,
      rendered([MODE]),
    ].join('\n');
  }
  const trusted =
    type === 'proc' || type === 'sysfs' || inside === '/dev'
      ? [
          remark(
            'A link there would let the image choose which files later steps read as the kernel’s ' +
              '(CVE-2019-19921), or where device nodes go.',
          ),
          `  [[ $at == ${quoteWord(target)} ]] || fail ${quoteWord(`${inside} in the image is a symbolic link`)}`,
        ]
      : [];
  return [`  at=$(place dir ${path})`, ...trusted, rendered()].join('\n');
}

/** An option whose value only the running script knows. */
const MODE = 'mode=';

/**
 * The same holds for the target, which `place` finds. Do not replace inside quoted text: a word of the image could
 * match.
 */
const mountAt = (argv: Argv): string =>
  argv
    .map((word, index) => {
      if (index === argv.length - 1) return '"$at"';
      return argv[index - 1] === '-o' && word.endsWith(MODE) ? `${quoteWord(word)}"$mode"` : quoteWord(word);
    })
    .join(' ');

function fill(volume: FreshVolume | undefined): readonly string[] {
  if (volume?.filled !== true) return [];
  return [
    remark('The volume is new and begins with what the image has here.'),
    `  cp --archive "$at/." ${quoteWord(volume.path)}`,
  ];
}

/** Creates nothing where something exists already (a /dev from outside). */
function inDirectory(command: Of<'mknod'> | Of<'symlink'>): string {
  const inside = command.path.startsWith(`${ROOTFS}/`) ? command.path.slice(ROOTFS.length) : command.path;
  const slash = inside.lastIndexOf('/');
  const name = inside.slice(slash + 1);
  // But for the path, the words of mknod(1) are numbers.
  const made =
    command.kind === 'symlink'
      ? `ln -s ${quoteWord(command.target)} "$at"`
      : renderCommand({ ...command, path: '@' }).replaceAll(' @', ' "$at"');
  return [
    `  at=$(place cwd ${quoteWord(inside.slice(0, slash) || '/')})`,
    `  not_shared "$at" ${quoteWord(inside)}`,
    `  at+=/${quoteWord(name)}`,
    `  [[ -e $at || -L $at ]] || ${made.includes(' && ') ? `{ ${made}; }` : made}`,
  ].join('\n');
}

function setIdentity(command: Of<'set-identity'>, { seccomp }: ContainerContext): string {
  // find_user has looked up the image's user name: only numbers and flags are replaced.
  const rendered = renderCommand({ ...command, user: '' })
    .replace(/^setpriv .*?(?=--bounding-set)/, 'setpriv --reuid="$uid" --regid="$gid" --groups="$groups" ')
    .replace(/--bounding-set=\S+/, '"$&"');
  return [
    remark('In front of the shell that waits for the new root: after that, setpriv is out of reach.'),
    `  via+=(${rendered}${seccomp ? ' --seccomp-filter "$box/seccomp.bpf"' : ''})`,
  ].join('\n');
}

function loadSeccomp({ seccomp }: ContainerContext): string {
  return remark(
    seccomp
      ? 'Part of the setpriv above (util-linux 2.41 or later): the file holds the compiled rules.'
      : 'Left out: setpriv(1) can load a filter, but sets no_new_privs first, which --security-opt did not request. ' +
          'The program may make every system call. With --security-opt no-new-privileges the filter is part of the ' +
          'script.',
  );
}

/** Variables that the shell or the dynamic loader would act on before the container's program starts. */
const ACTED_ON =
  /^(LD_|BASH|GLIBC_|GCONV_PATH|LOCPATH|ENV=|FUNCNEST=|IFS=|SHELLOPTS|PS4=|POSIXLY_CORRECT|TMOUT=)/;

/** bash sets these itself, or forbids setting them. */
const KEPT_BY_BASH = /^(SHELLOPTS|BASHOPTS|BASH_VERSINFO|EUID|UID|PPID|SHLVL|PWD|OLDPWD|_)=/;

/**
 * env(1) would take what has no `=` for the program to run, as root and with the host's files still in reach. bash
 * can set only names that it allows.
 */
const isVariable = (entry: string): boolean =>
  ACTED_ON.test(entry) ? /^\w+=/.test(entry) : entry.indexOf('=') > 0;

function execute({ argv }: Of<'exec'>, { env: given }: ContainerContext): string {
  const env = given.filter(isVariable);
  const hasHome = env.some((entry) => entry.startsWith('HOME=') && entry !== 'HOME=');
  const kept = env.filter((entry) => KEPT_BY_BASH.test(entry)).map((entry) => entry.split('=', 1)[0] ?? '');
  const all = env.filter((entry) => !KEPT_BY_BASH.test(entry) && (hasHome || entry !== 'HOME='));
  const early = all.filter((entry) => !ACTED_ON.test(entry)).map(quoteWord);
  const late = all.filter((entry) => ACTED_ON.test(entry)).map(quoteWord);
  return [
    ...(kept.length === 0
      ? []
      : [remark(`Left out, since bash starts the program and keeps them for itself: ${kept.join(', ')}.`)]),
    ...(env.length === given.length
      ? []
      : [remark('Variables without a name, or with one that neither env(1) nor bash takes, are left out.')]),
    '  environment=(',
    ...early.map((entry) => `    ${entry}`),
    ...(hasHome ? [] : ['    HOME="$home"']),
    '  )',
    remark(
      'As root: the user may lack access to the directory, and still starts in it. It moves along with the root.',
    ),
    '  cd "$cwd"',
    '  exec "${via[@]}" env --ignore-environment --default-signal -- "${environment[@]}" \\',
    `    "$BASH" -c "$(declare -f become); become "'"$@"' bash \\`,
    `    ${[...late, '--'].join(' ')} ${renderArgv(argv)}`,
  ].join('\n');
}
