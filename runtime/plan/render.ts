/**
 * A command as one would type it: the exact argv with each word quoted where it needs to be, kernel files written
 * with echo, and what PID 1 does by system call as the command of util-linux or coreutils that makes the same call.
 *
 * Every line may be indented without changing its meaning, so that it can be pasted out of `--explain`: input comes
 * from a here-string (bash) or printf, never from a here-document.
 */
import { deviceRuleText } from '../cgroup/devices.ts';
import type { FlowsOf } from '../syscall/conntrack.ts';
import type { Command, ContainerCommand } from './command.ts';
import { comment, quoteLines, quoteWord, renderArgv } from './quote.ts';
import { NAMESPACE_OPTION } from './tools.ts';
import { renderVolume } from '../volumes/command.ts';
import type { Argv } from './argv.ts';

/** What is given to a shell anyway, typed into one. */
const isScript = (argv: Argv): argv is ['sh', '-c', string] =>
  argv.length === 3 && argv[0] === 'sh' && argv[1] === '-c';

/** May hold several lines. */
export function renderCommand(command: Command): string {
  switch (command.kind) {
    case 'run':
      if (isScript(command.argv)) return command.argv[2];
      return command.input === undefined
        ? renderArgv(command.argv)
        : renderWithInput(command.argv, command.input.replace(/\n$/, ''));
    case 'write':
      return renderWrite(command.text, command.path);
    case 'set-sysctls':
      return renderArgv([
        ...(['nsenter', `--net=/run/netns/${command.netns}`, 'sysctl', '-w'] as const),
        ...Object.entries(command.settings).map(([key, value]) => `${key}=${value}`),
      ]);
    case 'mkdir':
    case 'make-dir':
      return renderArgv(['mkdir', '-p', ...modeFlag(command.mode, 0o755), command.path]);
    case 'rmdir':
      return renderArgv(['rmdir', command.path]);
    case 'delete-netns':
      return renderArgv(['ip', 'netns', 'delete', command.name]);
    case 'forget-flows':
      return renderForgetting(command.of);
    case 'listen-names':
      // Any name server does that can be given a directory of such files.
      return renderArgv([
        'nsenter',
        `--net=/run/netns/${command.netns}`,
        ...['dnsmasq', '--no-hosts', '--bind-interfaces'],
        ...command.names.map((directory) => `--hostsdir=${directory}`),
        ...[`--listen-address=${command.address}`, `--port=${String(command.port)}`],
      ]);
    case 'mount-volume':
    case 'unmount-volume':
      return renderVolume(command);
    case 'kill-cgroup':
      // Every hierarchy of cgroup v1, or the one of v2; groups the container made below its own included.
      return (
        `find /sys/fs/cgroup -path ${quoteWord(`*${command.cgroupsPath}/*`)} -name cgroup.procs ` +
        `-exec cat {} + | sort -u | xargs -r kill -KILL`
      );
    case 'move-to-cgroup':
      return command.procs.map((path) => `echo ${command.pid} > ${quoteWord(path)}`).join('\n');
    case 'raise-limit':
      return `prlimit --pid ${command.pid} --${rlimitName(command.name)}=:${rlimit(command.hard)}`;
    case 'filter-devices': {
      // No command line tool makes this call; a comment can still be pasted.
      const rules = command.rules.map((rule) => `${rule.allow ? 'allow' : 'deny'} ${deviceRuleText(rule)}`);
      return comment(`bpf(2) attaches a BPF_CGROUP_DEVICE program to ${command.path}: ${rules.join('; ')}`);
    }
    case 'signal':
      return renderArgv(['kill', '-s', command.signal, String(command.pid)]);
    case 'wait': {
      const wait: Argv = ['tail', `--pid=${command.pid}`, '--follow', '/dev/null'];
      return renderArgv(command.seconds < 0 ? wait : ['timeout', String(command.seconds), ...wait]);
    }
    case 'rename':
      return renderArgv(['mv', command.from, command.to]);
    case 'remove-file':
      return renderArgv(['rm', '-f', command.path]);
    case 'remove-trees':
      return renderArgv(['rm', '-rf', ...command.paths]);
    case 'write-record':
      return `echo ${quoteWord(command.text)} > ${quoteWord(`${command.path}.new`)} && ${renderArgv(['mv', `${command.path}.new`, command.path])}`;
    default:
      return renderContainerCommand(command);
  }
}

function renderForgetting(of: FlowsOf): string {
  const forgetIn = (address: string): Argv => [
    ...(['conntrack', '-D', '-f', address.includes(':') ? 'ipv6' : 'ipv4'] as const),
  ];
  if ('address' in of)
    return [['-s'], ['-r']]
      .map((end) => renderArgv([...forgetIn(of.address), ...end, of.address]))
      .join('\n');
  return of.udp
    .map(({ hostIp, first, count }) => {
      const to = renderArgv([
        ...forgetIn(hostIp),
        ...['-p', 'udp', ...(['0.0.0.0', '::'].includes(hostIp) ? [] : ['-d', hostIp])],
      ]);
      const each = `for port in {${first}..${first + count - 1}}; do ${to} --orig-port-dst $port; done`;
      return count === 1 ? `${to} --orig-port-dst ${first}` : each;
    })
    .join('\n');
}

/** nft does not mind indentation and reads well as one text; other programs get their lines one by one. */
function renderWithInput(argv: Argv, input: string): string {
  const lines = input.split('\n');
  if (argv[0] === 'nft' || lines.length === 1) return `${renderArgv(argv)} <<<${quoteLines(input)}`;
  return `printf '%s\\n' ${lines.map(quoteWord).join(' \\\n  ')} | ${renderArgv(argv)}`;
}

function renderContainerCommand(command: Exclude<ContainerCommand, { kind: 'make-dir' }>): string {
  switch (command.kind) {
    case 'mount':
      return renderArgv(mountArgv(command));
    case 'umount':
      return renderArgv(['umount', ...(command.lazy ? ['--lazy'] : []), command.target]);
    case 'pivot-root':
      return renderArgv(['pivot_root', command.newRoot, command.oldRoot]);
    case 'symlink':
      return renderArgv(['ln', '-s', command.target, command.path]);
    case 'mknod':
      return renderMknod(command);
    case 'set-hostname':
      return renderArgv(['hostname', command.hostname]);
    case 'set-domainname':
      return renderArgv(['domainname', command.domainname]);
    case 'set-sysctl':
      return renderArgv(['sysctl', '-w', `${command.key}=${command.value}`]);
    case 'mask': {
      const path = quoteWord(command.path);
      return (
        `if [ -d ${path} ]; then mount -t tmpfs -o ro tmpfs ${path}; ` +
        `elif [ -e ${path} ]; then mount --bind /dev/null ${path}; fi`
      );
    }
    case 'make-readonly': {
      const path = quoteWord(command.path);
      return `if [ -e ${path} ]; then mount --rbind ${path} ${path} && mount -o remount,bind,ro ${path}; fi`;
    }
    case 'verify-root':
      return '[ / -ef /.. ] && findmnt';
    case 'seal-mounts':
      return renderArgv(['mount', '-o', 'remount,bind,ro=recursive', command.path]);
    default:
      return renderProcessCommand(command);
  }
}

type ProcessCommand = Extract<
  ContainerCommand,
  {
    kind:
      | 'join-cgroup'
      | 'join-netns'
      | 'unshare-cgroup'
      | 'enter-namespaces'
      | 'fork'
      | 'set-rlimit'
      | 'set-oom-score'
      | 'join-keyring'
      | 'open-terminal'
      | 'new-session'
      | 'find-user'
      | 'set-identity'
      | 'load-seccomp'
      | 'exec';
  }
>;

/** What PID 1 does to itself: `$$` stands for it. */
function renderProcessCommand(command: ProcessCommand): string {
  switch (command.kind) {
    case 'join-cgroup':
      return command.procs.map((path) => `echo $$ > ${quoteWord(path)}`).join('\n');
    case 'join-netns':
      return renderArgv(['nsenter', `--net=${command.path}`]);
    case 'unshare-cgroup':
      return 'unshare --cgroup';
    case 'enter-namespaces':
      return renderArgv([
        'nsenter',
        `--target=${command.pid}`,
        ...command.types.map((type) => NAMESPACE_OPTION[type]),
      ]);
    case 'fork':
      return '# clone(CLONE_PARENT): nsenter has forked already, for --pid.';
    case 'set-rlimit':
      return `prlimit --pid $$ --${rlimitName(command.name)}=${rlimit(command.soft)}:${rlimit(command.hard)}`;
    case 'set-oom-score':
      return `echo ${command.value} > /proc/self/oom_score_adj`;
    case 'join-keyring':
      return renderArgv(['keyctl', 'session', command.name]);
    case 'open-terminal': {
      const size = `stty rows ${command.rows} cols ${command.columns} < /dev/pts/0`;
      return command.console === ''
        ? size
        : `mount --bind /dev/pts/0 ${quoteWord(command.console)} && ${size}`;
    }
    case 'new-session':
      return command.terminal ? 'setsid --ctty' : 'setsid';
    case 'find-user':
      return renderFindUser(command);
    case 'set-identity':
      return renderIdentity(command);
    case 'load-seccomp':
      return comment(
        `seccomp(SECCOMP_SET_MODE_FILTER): the ${command.profile} profile. No command of util-linux does this.`,
      );
    case 'exec':
      // A program named like one of exec's own options is still a program.
      return `cd ${quoteWord(command.cwd)} && exec ${command.argv[0].startsWith('-') ? '-- ' : ''}${renderArgv(command.argv)}`;
  }
}

/** echo for plain text; printf, which adds no newline, for text that echo could change. */
function renderWrite(text: string, path: string): string {
  const plain = /^[A-Za-z0-9+.,:/ *=_][^\\\n]*$/.test(text);
  return `${plain ? 'echo' : 'printf %s'} ${quoteWord(text)} > ${quoteWord(path)}`;
}

const octal = (mode: number): string => mode.toString(8).padStart(3, '0');
const modeFlag = (mode: number, usual: number): readonly string[] =>
  mode === usual ? [] : ['-m', octal(mode)];
const PROPAGATION = /^r?(private|shared|slave|unbindable)$/;

/** The words of mount(8), the target last. */
export function mountArgv(command: Extract<ContainerCommand, { kind: 'mount' }>): Argv {
  const { source, target, type, options } = command;
  const binds = options.filter((word) => word === 'bind' || word === 'rbind');
  const propagation = options.filter((word) => PROPAGATION.test(word)).map((word) => `--make-${word}`);
  // `remount,bind` changes the flags of one mount; there `bind` is an option, not an action.
  const remount = options.includes('remount');
  const rest = options.filter((word) => !PROPAGATION.test(word) && (remount || !/^r?bind$/.test(word)));
  const actions = remount ? propagation : [...binds.map((word) => `--${word}`), ...propagation];
  return [
    'mount',
    ...(type === '' || binds.length > 0 ? [] : ['-t', type]),
    ...actions,
    ...(rest.length === 0 ? [] : ['-o', rest.join(',')]),
    ...(source === '' || (type === '' && binds.length === 0) || remount ? [] : [source]),
    target,
  ];
}

function renderMknod(command: Extract<ContainerCommand, { kind: 'mknod' }>): string {
  const numbers = command.type === 'p' ? [] : [String(command.major), String(command.minor)];
  const made = renderArgv(['mknod', '-m', octal(command.mode), command.path, command.type, ...numbers]);
  const { uid = 0, gid = 0 } = command;
  return uid === 0 && gid === 0 ? made : `${made} && ${renderArgv(['chown', `${uid}:${gid}`, command.path])}`;
}

const rlimitName = (name: string): string => name.replace(/^RLIMIT_/, '').toLowerCase();
const rlimit = (value: number): string =>
  value < 0 || value >= Number.MAX_SAFE_INTEGER ? 'unlimited' : String(value);

function renderFindUser({
  user,
  groups,
}: {
  readonly user: string;
  readonly groups: readonly string[];
}): string {
  const [name = '', group] = user.split(':');
  const wanted = [...(group === undefined || group === '' ? [] : [group]), ...groups];
  const account = renderArgv(['getent', 'passwd', name === '' ? 'root' : name]);
  return wanted.length === 0 ? account : `${account}; ${renderArgv(['getent', 'group', ...wanted])}`;
}

/** setpriv(1): the same calls in the same order, then the program it is given. */
function renderIdentity(command: Extract<ContainerCommand, { kind: 'set-identity' }>): string {
  const capabilities = command.capabilities.map((name) => `+${name.replace(/^CAP_/, '').toLowerCase()}`);
  const who =
    command.user === undefined || command.user === ''
      ? [`--reuid=${command.uid}`, `--regid=${command.gid}`, groupsFlag(command.groups)]
      : [`--reuid=${command.user.split(':')[0] ?? ''}`, ...namedGroup(command.user)];
  return renderArgv([
    'setpriv',
    ...who,
    `--bounding-set=${['-all', ...capabilities].join(',')}`,
    '--inh-caps=-all',
    '--ambient-caps=-all',
    ...(command.noNewPrivileges ? ['--no-new-privs'] : []),
  ]);
}

const groupsFlag = (groups: readonly number[]): string =>
  groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`;

function namedGroup(user: string): readonly string[] {
  const group = user.split(':')[1];
  return group === undefined || group === '' ? ['--init-groups'] : [`--regid=${group}`, '--clear-groups'];
}
