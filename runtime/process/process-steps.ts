/**
 * The steps that turn the process that built the container into the program's: shared by PID 1 and by exec, which
 * enters a container that is built already.
 */
import type { OciConfig, OciProcess, OciSeccomp } from '../bundle.ts';
import type { StepId } from '../plan/step.ts';
import { containerStep, type ContainerStep, type StepWords } from '../rootfs/step.ts';

/**
 * User, directory, terminal, session, limits: what needs root but may be done before the network is up. A new
 * container's working directory is made if missing, exec refuses one that is, as Docker does.
 */
export function prepareProcessSteps(
  process: OciProcess,
  options: { readonly console: string; readonly makeCwd: boolean },
): readonly ContainerStep[] {
  return [
    ...findUserSteps(process),
    ...(options.makeCwd ? [makeWorkingDirectory(process)] : []),
    ...terminalSteps(process, options.console),
    newSession(process),
    ...rlimitSteps(process),
  ];
}

/**
 * Loading a filter takes CAP_SYS_ADMIN or no_new_privs. Without the latter the filter therefore comes before the
 * capabilities go; with it, the filter comes last, so that it need not allow what set-identity does.
 */
export function identitySteps(
  process: OciProcess,
  seccomp: OciSeccomp | undefined,
): readonly ContainerStep[] {
  const filter = seccomp === undefined ? [] : [loadSeccomp(seccomp)];
  const identity = setIdentity(process);
  return process.noNewPrivileges
    ? [identity, ...filter, execute(process)]
    : [...filter, identity, execute(process)];
}

function findUserSteps({ user }: OciProcess): readonly ContainerStep[] {
  const groups = user.additionalGroups ?? [];
  if (user.username === undefined && groups.length === 0) return [];
  return [
    containerStep(
      'process.find-user',
      'isolation',
      { kind: 'find-user', user: user.username ?? '', groups },
      {
        title: `Look up the user ${user.username === undefined || user.username === '' ? 'root' : user.username}`,
        why:
          'The kernel knows numbers only. Names are whatever the image’s own /etc/passwd and /etc/group say, so ' +
          'the same name can have another number in another image.',
        without: 'setuid(2) takes only a number.',
        observe: ['id'],
      },
    ),
  ];
}

const makeWorkingDirectory = ({ cwd }: OciProcess): ContainerStep =>
  containerStep(
    'process.make-cwd',
    'isolation',
    { kind: 'make-dir', path: cwd, mode: 0o755 },
    {
      title: `See that ${cwd} exists`,
      why: 'The program starts in this directory; an image may name one (WORKDIR) that it does not bring.',
      without: 'chdir(2) fails with ENOENT, and the program is not started.',
      observe: ['pwd'],
    },
  );

function terminalSteps(process: OciProcess, console: string): readonly ContainerStep[] {
  if (!process.terminal) return [];
  const { height, width } = process.consoleSize ?? { height: 0, width: 0 };
  return [
    containerStep(
      'process.open-terminal',
      'isolation',
      { kind: 'open-terminal', rows: height, columns: width, console },
      {
        title: 'Open a pseudo-terminal',
        why:
          'One end becomes the program’s terminal, the other goes to the attached client. It comes from the ' +
          'container’s own devpts, so that ttyname(3) and the like find it under /dev/pts.',
        without: 'The program writes to a pipe: no prompt, no colours, no line editing, no Ctrl-C.',
        observe: ['tty'],
      },
    ),
  ];
}

const newSession = ({ terminal }: OciProcess): ContainerStep =>
  containerStep(
    'process.new-session',
    'isolation',
    { kind: 'new-session', terminal },
    {
      title: 'Start a session',
      why: terminal
        ? 'setsid(2) makes the process a session leader, which may then take the terminal as its controlling one: ' +
          'that is what turns Ctrl-C into a signal and makes job control work.'
        : 'setsid(2) detaches the process from the caller’s terminal: its Ctrl-C does not reach the program, and the ' +
          'program cannot type into it (TIOCSTI).',
      without: 'Job control does not work, and Ctrl-C at the caller’s terminal reaches the program.',
      observe: ['cat', '/proc/self/stat'],
    },
  );

function rlimitSteps({ rlimits }: OciProcess): readonly ContainerStep[] {
  return rlimits.map(({ type, soft, hard }) =>
    containerStep(
      `process.set-rlimit:${type}`,
      'isolation',
      { kind: 'set-rlimit', name: type, soft, hard },
      {
        title: `Limit ${type} to ${soft}:${hard}`,
        why:
          'getrlimit(2): a limit for each process by itself, unlike a cgroup’s. The program may raise the soft one up ' +
          'to the hard one, never the hard one.',
        without: 'The program keeps the caller’s limit.',
        observe: ['cat', '/proc/self/limits'],
      },
    ),
  );
}

const loadSeccomp = (seccomp: OciSeccomp): ContainerStep =>
  containerStep(
    'process.load-seccomp',
    'isolation',
    { kind: 'load-seccomp', profile: `${seccomp.syscalls.length} rules, else ${seccomp.defaultAction}` },
    {
      title: 'Filter system calls',
      why:
        'A small program that the kernel runs before each system call (seccomp(2)). It refuses those that ' +
        'containers have no use for and attackers do, such as loading kernel modules. It cannot be removed.',
      without: 'The program can call the whole kernel, including rarely used parts with most of its bugs.',
      observe: ['grep', 'Seccomp', '/proc/self/status'],
    },
  );

function setIdentity(process: OciProcess): ContainerStep {
  const { user, capabilities, noNewPrivileges } = process;
  const names = capabilities.bounding;
  return containerStep(
    'process.set-identity',
    'isolation',
    {
      kind: 'set-identity',
      ...(user.username === undefined ? {} : { user: user.username }),
      uid: user.uid,
      gid: user.gid,
      groups: user.additionalGids,
      capabilities: names,
      noNewPrivileges,
    },
    {
      title: 'Become the user, keep only the container’s capabilities',
      why:
        `Root’s power comes in pieces (capabilities(7)); ${names.length} of them stay. The others leave the bounding ` +
        'set too, so that not even a setuid program brings them back.' +
        (noNewPrivileges ? ' no_new_privs makes setuid programs harmless altogether.' : ''),
      without:
        'The program has all of root’s power: it could set the clock, load kernel modules or reconfigure the network.',
      observe: ['grep', '-E', 'Uid|Groups|Cap|NoNewPrivs', '/proc/self/status'],
    },
  );
}

const execute = ({ args, cwd }: OciProcess): ContainerStep =>
  containerStep(
    'process.exec',
    'isolation',
    { kind: 'exec', argv: args, cwd },
    {
      title: `Become ${args[0]}`,
      why:
        'execve(2) replaces minidock by the program, in the same process: it keeps its number, 1 for the first of ' +
        'a container, the namespaces and all that was set above, and inherits only standard input, output and ' +
        'error.',
      without: 'minidock would stay in the container, and the program would not run.',
      observe: ['ps'],
    },
  );

export const setOomScore = (value: number): ContainerStep =>
  containerStep(
    'process.set-oom-score',
    'process',
    { kind: 'set-oom-score', value },
    {
      title: `Set the out-of-memory score to ${value}`,
      why: 'When the whole machine runs out of memory, the kernel kills the process with the highest score first.',
      without: 'The kernel chooses by size alone.',
      observe: ['cat', '/proc/self/oom_score_adj'],
    },
  );

/** Who is in the group, in one of its hierarchies; from inside it would be called "/". */
export const lookAtGroup = ([procs]: readonly string[]): Pick<StepWords, 'observe' | 'onHost'> =>
  procs === undefined ? {} : { observe: ['cat', procs], onHost: true };

/** One keyring for all processes of a container, as runc has it. */
export const keyringOf = ({ linux }: OciConfig): string =>
  `_ses.${linux.cgroupsPath.split('/').at(-1) ?? ''}`;

export const joinKeyring = (id: StepId, name: string): ContainerStep =>
  containerStep(
    id,
    'process',
    { kind: 'join-keyring', name },
    {
      title: 'Take an empty session keyring',
      why:
        'A process inherits its parent’s keyring, and with it the right to use keys kept there, of an encrypted ' +
        'file system for one (session-keyring(7)).',
      without: 'Root in the container could use the caller’s keys.',
      // Inside, /proc/keys is hidden by one of the last steps.
      observe: ['grep', name, '/proc/keys'],
      onHost: true,
    },
  );
