/** Filters of system calls: one by hand, and the one of containers. */
import { nativeArch, AUDIT_ARCH, syscallNumbers } from '../../../../../runtime/process/seccomp/syscalls.ts';
import type { LabHost, Lesson, Requirement } from '../../lesson.ts';
import { BOX_SETUP } from '../chroot.ts';
import { answersOf } from './filter-answers.ts';
import { need, needProcess } from '../seen.ts';

const FILTER = '/root/filter';
/** Of linux/seccomp.h: the action is in the upper half of an answer, the error in the lower. */
const [ALLOW, LOG, FAIL, TRACE] = [0x7fff, 0x7ffc, 0x0005, 0x7ff0];
/** Beyond all that any kernel has. */
const NUMBERS = 1024;

/** Asks the filter about each number instead of trying a few calls. */
const othersPass: Requirement = {
  text: `the kernel takes the filter in ${FILTER}, and it lets every other system call pass, whatever its arguments`,
  holds: async (host) => (await under(host, 'true')) === 0 && (await firstRefused(host)) === undefined,
  found: async (host) => {
    const refused = await firstRefused(host);
    return refused === undefined ? undefined : `it does not let ${refused} pass`;
  },
};

const unameFails: Requirement = {
  text: 'and uname fails, but is not killed',
  holds: async (host) => {
    const ask = await filterOf(host);
    const fails = [...ask(ask.uname)].every(
      (answer) => (answer >>> 16 === FAIL && (answer & 0xffff) !== 0) || answer >>> 16 === TRACE,
    );
    // uname exits with 1 if the call fails; a killed process has 128 or more.
    return fails && (await under(host, 'uname')) === 1;
  },
};

const under = async (host: LabHost, program: string): Promise<number> =>
  (await host.run(['setpriv', '--no-new-privs', '--seccomp-filter', FILTER, program])).status;

async function firstRefused(host: LabHost): Promise<string | undefined> {
  const ask = await filterOf(host);
  for (let nr = 0; nr < NUMBERS; nr++) {
    if (nr === ask.uname || [...ask(nr)].every((answer) => [ALLOW, LOG].includes(answer >>> 16))) continue;
    return `${ask.nameOf(nr) ?? 'a call'} (${nr})`;
  }
  return undefined;
}

interface Ask {
  /** What the filter can answer to a call of this machine. */
  (nr: number): ReadonlySet<number>;
  readonly uname: number;
  readonly nameOf: (nr: number) => string | undefined;
}

async function filterOf(host: LabHost): Promise<Ask> {
  // As long as the kernel takes, and one byte more.
  const { stdout } = await host.run(['sh', '-c', `head -c 32769 ${FILTER} | base64`]);
  const program = Buffer.from(stdout, 'base64');
  const machine = nativeArch() ?? 'x86_64';
  const calls = syscallNumbers(machine);
  const ask = (nr: number): ReadonlySet<number> => answersOf(program, { arch: AUDIT_ARCH[machine], nr });
  const nameOf = (nr: number): string | undefined => [...calls].find(([, number]) => number === nr)?.[0];
  return Object.assign(ask, { uname: calls.get('uname') ?? -1, nameOf });
}

/** A loop over the running containers: $id, and as $p the directory in /proc of the first process. */
const EACH_BOX = `for id in $(minidock ps -q --filter ancestor=lesson/box); do
  p=/proc/$(minidock inspect -f '{{.State.Pid}}' $id)`;

const seccomp: Lesson = {
  name: 'seccomp',
  group: 'beyond',
  title: 'System calls that the kernel refuses',
  story:
    'Capabilities guard what is dangerous to others; seccomp guards the kernel itself: each system call of a ' +
    'process is first judged by a little program, which sees its number and arguments and answers "allow", "fail ' +
    'with this error" or "kill". You write a filter of four instructions, and then look at the one minidock gives ' +
    'to its containers. Each process in here already has the lab’s own filter: it refuses sockets that bypass ' +
    'namespaces. Use the image lesson/box.',
  setup: [...BOX_SETUP, 'tar -C /srv/box -cf - . | minidock import - lesson/box'],
  steps: [
    {
      id: 'write',
      title: 'Four instructions',
      task: 'Write into /root/filter a filter (struct sock_filter, as BPF) that lets every system call pass but uname(2), which is to fail.',
      hints: [
        'Each instruction is 8 bytes: a code (2 bytes), jump if true, jump if false (1 each), a number (4). Load the number of the call, compare, return one of two answers.',
        'Codes: 0x20 load from offset 0, 0x15 jump if equal, 0x06 return. Answers: 0x7fff0000 allow, 0x00050001 fail with error 1 (EPERM). uname(2) is 63 on x86-64 and 160 on arm64. All little-endian.',
        "printf '\\40\\0\\0\\0\\0\\0\\0\\0\\25\\0\\0\\1\\77\\0\\0\\0\\6\\0\\0\\0\\1\\0\\5\\0\\6\\0\\0\\0\\0\\0\\377\\177' >/root/filter   (x86-64)",
      ],
      solution: [
        {
          command: 'case $(uname -m) in x86_64) nr=77 ;; *) nr=240 ;; esac',
          why: 'The number of uname(2) in octal, for printf. Numbers differ between machines, so real filters also check the architecture.',
        },
        {
          command: "printf '\\40\\0\\0\\0\\0\\0\\0\\0' >/root/filter",
          why: 'A = the number of the system call, at offset 0 of struct seccomp_data.',
        },
        {
          command: 'printf "\\25\\0\\0\\1\\\\$nr\\0\\0\\0" >>/root/filter',
          why: 'If A is that of uname(2) go on, else skip one.',
        },
        {
          command: "printf '\\6\\0\\0\\0\\1\\0\\5\\0' >>/root/filter",
          why: 'Return SECCOMP_RET_ERRNO with 1: "Operation not permitted".',
        },
        { command: "printf '\\6\\0\\0\\0\\0\\0\\377\\177' >>/root/filter", why: 'Return SECCOMP_RET_ALLOW.' },
      ],
      requirements: [othersPass, unameFails],
    },
    {
      id: 'run',
      title: 'Under it',
      task: 'Let a process run under a filter of yours.',
      hints: [
        'setpriv loads filters.',
        'See --seccomp-filter.',
        'setpriv --no-new-privs --seccomp-filter /root/filter sleep 1000 &',
      ],
      solution: [
        {
          command: 'setpriv --no-new-privs --seccomp-filter /root/filter sleep 1000 &',
          why:
            'A filter can be added, never removed, and children inherit it. A process without CAP_SYS_ADMIN needs ' +
            'no-new-privs, so that it cannot fool a set-user-ID program.',
        },
        {
          command:
            'until ! diff <(grep Seccomp /proc/$$/status) <(grep Seccomp /proc/$!/status); do sleep 0.1; done',
          why: '2 is "filter". The lab’s own filter applies too: the strictest answer of all filters counts.',
        },
        {
          command: 'setpriv --no-new-privs --seccomp-filter /root/filter uname || true',
          why: 'The call fails as if uname(2) had said so.',
        },
      ],
      requirements: [
        needProcess(
          'a process of the lab has a filter beside the lab’s own (Seccomp_filters)',
          '! own pid && [ "$(filters)" -gt 0 ]',
        ),
      ],
    },
    {
      id: 'container',
      title: 'A container’s filter',
      task: 'Start a container of lesson/box with minidock whose program goes on running, and look at its state in /proc. Try "unshare -U true" in it.',
      hints: [
        'minidock run -d, and a program like sleep 1000.',
        'Its number out here: minidock inspect -f {{.State.Pid}} NAME',
        'minidock run -d --name guarded --network none lesson/box sleep 1000; minidock exec guarded unshare -U true',
      ],
      solution: [
        {
          command: 'minidock run -d --name guarded --network none lesson/box sleep 1000',
          why: 'With the default filter: calls that are not on its list fail.',
        },
        {
          command: 'grep Seccomp /proc/$(minidock inspect -f "{{.State.Pid}}" guarded)/status',
          why: 'The same 2 as yours, and as many filters: the lab’s and one more.',
        },
        {
          command: 'minidock exec guarded unshare -U true || true',
          why: 'A user namespace needs no capability, but the filter refuses it: its root reaches much of the kernel.',
        },
      ],
      requirements: [
        need(
          'the program of a container of lesson/box has a filter beside the lab’s own, and "unshare -U" fails in this container',
          `${EACH_BOX}
  [ "$(filters)" -gt 0 ] && [ "$(minidock exec $id sh -c 'unshare -U true; echo $?')" = 1 ] && exit 0
done
exit 1`,
        ),
      ],
    },
    {
      id: 'unconfined',
      title: 'And without',
      task: 'Let a process of a container be in a user namespace of its own.',
      hints: [
        'Start a container without a filter.',
        '--security-opt seccomp=unconfined',
        'minidock run -d --name bare --network none --security-opt seccomp=unconfined lesson/box unshare -U sleep 1000',
      ],
      solution: [
        {
          command:
            'minidock run -d --name bare --network none --security-opt seccomp=unconfined lesson/box unshare -U sleep 1000',
          why: 'The same image and the same capabilities: only the filter made the difference.',
        },
      ],
      requirements: [
        need(
          'a process of such a container, whose program has no filter but the lab’s, has none either and a user namespace of its own',
          `${EACH_BOX}
  own pid && [ "$(filters)" = 0 ] || continue
  inside=$(readlink $p/ns/pid)
  for p in /proc/[0-9]*; do
    [ "$(readlink $p/ns/pid)" = "$inside" ] && own user && [ "$(filters)" = 0 ] && exit 0
  done
done
exit 1`,
        ),
      ],
    },
  ],
  epilogue:
    'minidock compiles its filter itself (runtime/process/seccomp/), from Docker’s list of calls: some calls are ' +
    'allowed only with their capability. It is loaded last, since loading the program is a call like any other.',
};

export const lessons: readonly Lesson[] = [seccomp];
