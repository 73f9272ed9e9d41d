/** Control groups, and the masks over /proc and /sys. */
import type { Lesson } from '../lesson.ts';
import { need, needProcess } from './seen.ts';

const cgroup: Lesson = {
  name: 'cgroup-limits',
  group: 'beyond',
  title: 'Limits: how many, how much',
  story:
    'A control group counts what its processes use, and may refuse more. Of control groups there are two versions: in ' +
    'version 1 each controller has a tree of its own, in version 2 all share one; the files have other names, the idea ' +
    'is the same. In this lab /root/pids and /root/memory are where new groups for the two controllers go (with ' +
    'version 2 both are the same place), and both versions are accepted.',
  setup: [
    `if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  for c in pids memory; do echo +$c >/sys/fs/cgroup/cgroup.subtree_control; ln -sfn /sys/fs/cgroup /root/$c; done
else
  for c in pids memory; do ln -sfn /sys/fs/cgroup/$c /root/$c; done
fi`,
  ],
  steps: [
    {
      id: 'version',
      title: 'Which version?',
      task: 'Find out which version of control groups holds the controller "memory" on this machine, and write 1 or 2 into /root/version.',
      hints: [
        'ls /root/memory, or the type of file system it is on.',
        'Version 2 has a file cgroup.controllers in each group; stat -f says cgroup2fs.',
        'echo 1 >/root/version, or 2, if /root/memory/cgroup.controllers is there',
      ],
      solution: [
        {
          command: 'ls /root/memory/',
          why: 'memory.limit_in_bytes is version 1, cgroup.controllers version 2.',
        },
        {
          command: 'if [ -e /root/memory/cgroup.controllers ]; then echo 2; else echo 1; fi >/root/version',
          why: 'Both may be mounted at once; a controller is in one of them only.',
        },
      ],
      requirements: [
        need(
          'the number in /root/version is right',
          'if [ -e /root/memory/cgroup.controllers ]; then v=2; else v=1; fi; [ "$(tr -dc 0-9 </root/version)" = $v ]',
        ),
      ],
    },
    {
      id: 'pids',
      title: 'How many',
      task: 'Make a group that may hold at most 5 processes, and let a program try to have more.',
      hints: [
        'The limit is a file of the group: pids.max. What was refused is counted in pids.events.',
        'A shell that moves itself there and starts sleep a few times.',
        "mkdir /root/pids/few; echo 5 >/root/pids/few/pids.max; sh -c 'echo $$ >/root/pids/few/cgroup.procs; for i in 1 2 3 4 5 6; do sleep 1000 & done'",
      ],
      solution: [
        { command: 'mkdir /root/pids/few', why: 'A group without a limit as yet.' },
        {
          command: 'echo 5 >/root/pids/few/pids.max',
          why: 'Processes and threads, those of groups below included.',
        },
        {
          command:
            "sh -c 'echo $$ >/root/pids/few/cgroup.procs; for i in 1 2 3 4 5 6; do sleep 1000 & done' || true",
          why: 'fork(2) fails with EAGAIN: bash calls it "Resource temporarily unavailable", dash just "Cannot fork". This is what stops a fork bomb.',
        },
        { command: 'cat /root/pids/few/pids.events', why: 'How often it was refused.' },
      ],
      requirements: [
        need(
          'a group has pids.max 5, and refused at least one process (pids.events)',
          // The kernel counts it at the group of the process, which may be one below the limit's.
          `for f in $(find /sys/fs/cgroup -name pids.max); do
  [ "$(cat $f)" = 5 ] && find "\${f%/*}" -name pids.events -exec grep -q '^max [1-9]' {} \\; -print | grep -q . && exit 0
done
exit 1`,
        ),
      ],
    },
    {
      id: 'memory',
      title: 'How much',
      task: 'Make a group that may use at most 20 megabytes of memory, and let a program in it want more.',
      hints: [
        'The limit: memory.max (version 2) or memory.limit_in_bytes (version 1); 20M is understood.',
        'A program that wants memory: tail has to keep a line that never ends. "head -c 100m /dev/zero | tail"',
        "mkdir /root/memory/little; echo 20M >/root/memory/little/memory.max (or …limit_in_bytes); sh -c 'echo $$ >/root/memory/little/cgroup.procs; head -c 100m /dev/zero | tail'",
      ],
      solution: [
        { command: 'mkdir /root/memory/little; cd /root/memory/little', why: 'As before.' },
        {
          command:
            'if [ -e memory.max ]; then echo 20M >memory.max; echo 0 >memory.swap.max; else echo 20M >memory.limit_in_bytes; fi',
          why: 'Without the second number version 2 would let it use as much swap as there is (where there is some).',
        },
        {
          command: "sh -c 'echo $$ >cgroup.procs; head -c 100m /dev/zero | tail >/dev/null' || true",
          why:
            'The kernel does not refuse memory as it refuses a process: if it cannot free any, it kills a process ' +
            'of the group with SIGKILL: 137.',
        },
        { command: 'grep -s oom_kill memory.events memory.oom_control', why: 'How many were killed.' },
      ],
      requirements: [
        need(
          'a group limited to 20 megabytes has had a process killed (oom_kill in memory.events or memory.oom_control)',
          `for f in $(find /sys/fs/cgroup -name memory.max -o -name memory.limit_in_bytes); do
  limit=$(cat $f)
  [ "$limit" != max ] && [ "$limit" -le 21000000 ] && [ "$(cat \${f%/*}/memory.events \${f%/*}/memory.oom_control 2>/dev/null | sed -n 's/^oom_kill //p')" -gt 0 ] && exit 0
done
exit 1`,
        ),
      ],
    },
  ],
  epilogue:
    'docker run --pids-limit and -m are these two files. minidock writes them before PID 1 starts the program ' +
    '(runtime/cgroup/limits.ts), and reads OOMKilled in inspect from the counter you have just read.',
};

const FRESH = 'own pid && own mnt && [ "$(readlink $p/root/proc/1/ns/pid)" = "$(readlink $p/ns/pid)" ]';

/**
 * The mount that covers /proc/sys: that of /proc itself, or its directory sys bound there. Mounts in it have it, or
 * one another, as their parent, which comes first in the table.
 */
const SETTINGS_READ_ONLY = `[ -d $p/root/proc/sys ] && mount_at /proc/sys | {
  read -r mount _ _ from at flags rest
  case "$from $at" in "/ /proc" | "/sys /proc/sys") ;; *) exit 1 ;; esac
  case $rest in "- proc "* | *" - proc "*) ;; *) exit 1 ;; esac
  case $flags in ro | ro,*) ;; *) exit 1 ;; esac
  mounts=" $mount "
  while read -r mount parent _ _ at flags _; do
    case $at in /proc/sys/*) ;; *) continue ;; esac
    case $mounts in *" $parent "*) ;; *) continue ;; esac
    mounts="$mounts$mount "
    case $flags in ro | ro,*) ;; *) exit 1 ;; esac
  done <$p/mountinfo
}`;

const masks: Lesson = {
  name: 'masks',
  group: 'beyond',
  title: 'The holes in /proc and /sys',
  story:
    'A container needs /proc. But /proc is also where root turns the kernel’s knobs (/proc/sys), watches what its devices do ' +
    '(/proc/interrupts), and more that no namespace divides. The remedy is simple: mount something harmless on top. (In ' +
    'the lab most knobs refuse you anyway, since its root is not the machine’s. Those of its network are yours.)',
  setup: [],
  steps: [
    {
      id: 'readonly',
      title: 'Look, do not touch',
      task: 'Start a process with PID and mount namespaces and a /proc of its own, in which /proc/sys can only be read.',
      hints: [
        'A directory bound on itself is a mount, and a mount can be read-only.',
        'From outside: nsenter --target PID --mount PROGRAM. lsns --type pid tells the PID.',
        'nsenter -t PID -m mount --bind /proc/sys /proc/sys; nsenter -t PID -m mount -o remount,bind,ro /proc/sys',
      ],
      solution: [
        { command: 'unshare --pid --fork --mount-proc sleep 1000 &', why: 'The box of the lesson ns-pid.' },
        {
          command: 'until lsns -n -t pid -o COMMAND | grep -q "^sleep"; do sleep 0.1; done',
          why: 'Until it runs.',
        },
        {
          command: 'lsns -n -t pid -o PID | grep -vx " *1" >/run/box',
          why: 'Its number outside: lsns shows the lowest of each namespace, and 1 is the lab’s.',
        },
        {
          command: 'nsenter -t $(cat /run/box) -m mount --bind /proc/sys /proc/sys',
          why: 'Now it is a mount.',
        },
        {
          command: 'nsenter -t $(cat /run/box) -m mount -o remount,bind,ro /proc/sys',
          why: '"bind" limits it to this mount; the rest of /proc stays as it is. In one step mount would ignore ro for a bind.',
        },
      ],
      requirements: [
        needProcess(
          'in a /proc of a process’s own PID namespace, all of /proc/sys is the kernel’s, and is mounted read-only',
          `${FRESH} && ${SETTINGS_READ_ONLY}`,
        ),
      ],
    },
    {
      id: 'file',
      title: 'A file like /dev/null',
      task: 'Let /proc/interrupts of such a process be /dev/null.',
      hints: [
        'A file can be mounted on a file.',
        'mount --bind',
        'nsenter -t PID -m mount --bind /dev/null /proc/interrupts',
      ],
      solution: [
        {
          command: 'nsenter -t $(cat /run/box) -m mount --bind /dev/null /proc/interrupts',
          why: 'Reading gives nothing, writing goes nowhere; the name is still there, so no program trips over it.',
        },
      ],
      requirements: [
        needProcess(
          '/proc/interrupts of a process is the device 1:3, and can be opened',
          `${FRESH} && [ "$(stat -Lc %t:%T $p/root/proc/interrupts)" = 1:3 ] && true <$p/root/proc/interrupts`,
        ),
      ],
    },
    {
      id: 'directory',
      title: 'An empty directory',
      task: 'Let /sys/firmware of such a process be empty and impossible to write to.',
      hints: [
        '/dev/null cannot be mounted on a directory. An empty file system can.',
        'A tmpfs, read-only.',
        'nsenter -t PID -m mount -t tmpfs -o ro,size=0 tmpfs /sys/firmware',
      ],
      solution: [
        {
          command: 'nsenter -t $(cat /run/box) -m mount -t tmpfs -o ro tmpfs /sys/firmware',
          why: 'Each such tmpfs is empty and stays so.',
        },
      ],
      requirements: [
        needProcess(
          '/sys/firmware of such a process is an empty directory on a read-only mount',
          `${FRESH} && [ -d $p/root/sys/firmware ] && mount_at /sys/firmware | cut -d" " -f 6 | grep -qw ro && [ -z "$(ls -A $p/root/sys/firmware)" ]`,
        ),
      ],
    },
  ],
  epilogue:
    'Docker and minidock mask the same list (runtime/rootfs/kernel-files.ts); --privileged leaves it out. A process that ' +
    'could unmount would undo it all: that is why CAP_SYS_ADMIN is not in a container’s set.',
};

export const lessons: readonly Lesson[] = [cgroup, masks];
