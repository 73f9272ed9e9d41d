/** Capabilities, no_new_privs and seccomp filters. */
import type { Lesson } from '../lesson.ts';
import { BOX_SETUP } from './chroot.ts';
import { need, needProcess } from './seen.ts';

const DOCKER_SET =
  'chown,dac_override,fsetid,fowner,net_raw,setgid,setuid,setfcap,setpcap,net_bind_service,sys_chroot,kill,audit_write';

const capabilities: Lesson = {
  name: 'capabilities',
  group: 'beyond',
  title: 'What root is made of',
  story:
    'The kernel hardly ever asks whether a process is root. It asks for one of some forty capabilities, and user 0 has ' +
    'them all by default. A process has five sets of them (/proc/PID/status): effective is what counts, permitted what ' +
    'it may switch on, bounding what any program it executes can ever get. Root of the lab has them all, for what ' +
    'belongs to the lab’s user namespace: it may set up networks and mounts in here, and not the machine’s clock.',
  setup: [
    'cp "$(command -v sleep)" /srv/borrowed && chmod 4755 /srv/borrowed',
    'mkdir -p /srv/www && echo "a page from port 80" >/srv/www/index.html',
  ],
  steps: [
    {
      id: 'less',
      title: 'Root, who may not chown',
      task: 'Let a process of user 0 run without CAP_CHOWN.',
      hints: [
        'setpriv of util-linux starts programs with other privileges.',
        'When root executes a program it gets the bounding set again, so remove the capability there.',
        'setpriv --inh-caps=-chown --bounding-set=-chown sleep 1000 &',
      ],
      solution: [
        { command: 'touch /root/mine', why: 'Something to give away.' },
        {
          command: 'setpriv --inh-caps=-chown --bounding-set=-chown chown 1000 /root/mine || true',
          why: '"Operation not permitted", for root: this one power is all that chown needs.',
        },
        {
          command: 'setpriv --inh-caps=-chown --bounding-set=-chown sleep 1000 &',
          why: 'All the other powers are still there.',
        },
        {
          command: 'until ! grep CapEff /proc/$!/status | grep -q "[13579bdf]$"; do sleep 0.1; done',
          why: 'CHOWN has the number 0: the last bit.',
        },
      ],
      requirements: [
        needProcess(
          'a process of user 0 has capabilities, but not CAP_CHOWN (CapEff)',
          '[ "$(field Uid | cut -f 2)" = 0 ] && cap CapEff 1 && ! cap CapEff 0',
        ),
      ],
    },
    {
      id: 'docker',
      title: 'Docker’s fourteen',
      task: `Let a process of user 0 run with just these, as its effective and its bounding set: ${DOCKER_SET} (Docker’s default; its fourteenth, mknod, may be there or not).`,
      hints: [
        'setpriv can write a bounding set as "all but" and as "none but".',
        '-all,+NAME,+NAME…',
        `setpriv --inh-caps=-all --bounding-set=-all,+${DOCKER_SET.replaceAll(',', ',+')} sleep 1000 &`,
      ],
      solution: [
        {
          command: `setpriv --inh-caps=-all --bounding-set=-all,+${DOCKER_SET.replaceAll(',', ',+')} sleep 1000 &`,
          why: 'Nothing that mounts, configures networks, loads modules or traces: what a web server never needs.',
        },
        {
          command: 'until grep -q "CapEff:.*25fb$" /proc/$!/status; do sleep 0.1; done',
          why: 'With mknod the whole number is a80425fb.',
        },
      ],
      requirements: [
        needProcess(
          'the effective and the bounding set of a process of user 0 are those',
          '[ "$(field Uid | cut -f 2)" = 0 ] && [ $(( 0x$(field CapEff) | 0x8000000 )) = $((0xa80425fb)) ] && [ $(( 0x$(field CapBnd) | 0x8000000 )) = $((0xa80425fb)) ]',
        ),
      ],
    },
    {
      id: 'one',
      title: 'A single one, for a nobody',
      task: 'Serve a page on port 80 of 203.0.113.2 with a process of user 65534 that has CAP_NET_BIND_SERVICE and no other capability.',
      hints: [
        'When a program is executed by someone other than root, only "ambient" capabilities survive.',
        'An ambient capability has to be inheritable as well.',
        'setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service busybox httpd -f -p 203.0.113.2:80 -h /srv/www &',
      ],
      solution: [
        {
          command:
            'setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service busybox httpd -f -p 203.0.113.2:80 -h /srv/www &',
          why: 'Ports below 1024 are for those with this capability; serving files needs no power at all.',
        },
        { command: 'until ss -Hltn | grep -q 203.0.113.2:80; do sleep 0.1; done', why: 'Until it listens.' },
      ],
      requirements: [
        needProcess(
          'a process of user 65534 that has CAP_NET_BIND_SERVICE alone listens on port 80 of 203.0.113.2',
          '[ "$(field Uid | cut -f 2)" = 65534 ] && [ $(( 0x$(field CapEff) )) = 1024 ] && [ $(( 0x$(field CapPrm) )) = 1024 ] && ss -Hltnp "sport = :80" | grep -E " (203[.]0[.]113[.]2|0[.]0[.]0[.]0|[*]|\\[::\\]):80 " | grep -q "pid=$pid,"',
        ),
        {
          text: 'http://203.0.113.2/ answers',
          holds: async (host) => (await host.fetch('http://203.0.113.2/')) !== undefined,
        },
      ],
    },
    {
      id: 'nnp',
      title: 'No way back',
      task:
        '/srv/borrowed is a sleep with the set-user-ID bit: every user who runs it becomes root. Let a process of ' +
        'user 65534 run for which that bit does nothing.',
      hints: [
        'prctl(PR_SET_NO_NEW_PRIVS) is a promise to the kernel: nobody can take it back, and children inherit it.',
        'See --no-new-privs of setpriv, and NoNewPrivs in /proc/PID/status.',
        'setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs /srv/borrowed 1000 &',
      ],
      solution: [
        {
          command: 'setpriv --reuid 65534 --regid 65534 --clear-groups /srv/borrowed 1001 & lent=$!',
          why: 'Without the promise: this sleep is of user 65534 with the powers of root.',
        },
        {
          command:
            'setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs /srv/borrowed 1002 & kept=$!',
          why: 'With it, execve(2) ignores set-user-ID bits and file capabilities, for ever and for all children.',
        },
        {
          command:
            'until grep -q "NoNewPrivs:.*1" /proc/$kept/status; do sleep 0.1; done; grep Uid /proc/$lent/status /proc/$kept/status',
          why: 'Real and effective user of both.',
        },
      ],
      requirements: [
        needProcess(
          'a process with real and effective user 65534 has NoNewPrivs 1',
          '[ "$(field NoNewPrivs)" = 1 ] && [ "$(field Uid | cut -f 1,2 | tr "\\t" :)" = 65534:65534 ]',
        ),
      ],
    },
  ],
  epilogue:
    'docker run --cap-drop, --cap-add and --security-opt no-new-privileges are these, and minidock knows them by ' +
    'the same names. PID 1 drops its capabilities last, just before execve: until then it needs them to set the ' +
    'container up.',
};

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
      requirements: [
        need(
          'with the filter in /root/filter other programs run',
          'setpriv --no-new-privs --seccomp-filter /root/filter sh -c "mkdir /tmp/look.$$ && ls /tmp >/dev/null && rmdir /tmp/look.$$"',
        ),
        need(
          'and uname fails, but is not killed',
          // uname exits with 1 if the call fails; a killed process has 128 or more.
          'setpriv --no-new-privs --seccomp-filter /root/filter true && { setpriv --no-new-privs --seccomp-filter /root/filter uname; [ $? = 1 ]; }',
        ),
      ],
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
        needProcess(
          'a process with its own PID and mount namespaces has a filter beside the lab’s own, and the root file system of lesson/box',
          'own pid && own mnt && [ "$(filters)" -gt 0 ] && grep -qx box $p/root/etc/marker',
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
        needProcess(
          'a process with the root file system of lesson/box has a user namespace of its own and no filter but the lab’s',
          'own pid && own user && [ "$(filters)" = 0 ] && grep -qx box $p/root/etc/marker',
        ),
      ],
    },
  ],
  epilogue:
    'minidock compiles its filter itself (runtime/process/seccomp/), from Docker’s list of calls: some calls are ' +
    'allowed only with their capability. It is loaded last, since loading the program is a call like any other.',
};

export const lessons: readonly Lesson[] = [capabilities, seccomp];
