/** The UTS and PID namespaces. */
import type { Lesson } from '../lesson.ts';
import { need, needPair, needProcess } from './seen.ts';

const uts: Lesson = {
  name: 'ns-uts',
  group: 'beyond',
  title: 'A host name of its own',
  story:
    'The kernel knows no containers: a container is a process with namespaces. The smallest kind, UTS, holds two ' +
    'strings, the host name and the domain name. It shows what is true of all eight kinds: unshare(2) makes one, ' +
    'setns(2) enters one, it lives as long as something holds it, and /proc/PID/ns shows which one a process is in.',
  setup: [],
  steps: [
    {
      id: 'own',
      title: 'A process with another host name',
      task: 'Let a process run that believes its host is called "box", while the lab keeps the name it has.',
      hints: [
        'A program of util-linux runs another program in new namespaces.',
        'unshare --uts PROGRAM; the program sets the name itself, and a process must stay alive.',
        "unshare --uts sh -c 'hostname box; exec sleep 1000' &",
      ],
      solution: [
        {
          command: "unshare --uts sh -c 'hostname box; exec sleep 1000' & echo $! >/run/box",
          why: 'The new namespace begins as a copy of the old one; hostname then changes the copy. sleep keeps it alive.',
        },
        {
          command: 'until [ "$(nsenter --target $(cat /run/box) --uts uname -n)" = box ]; do sleep 0.1; done',
          why: 'nsenter goes into the namespaces of another process: it shows the name the process sees.',
        },
      ],
      requirements: [
        needProcess(
          'a process in a UTS namespace of its own has the host name box',
          'own uts && [ "$(nsenter --uts=$p/ns/uts uname -n)" = box ]',
        ),
        need('the lab itself is not called box', '[ "$(nsenter --uts=/proc/1/ns/uts uname -n)" != box ]'),
      ],
    },
    {
      id: 'enter',
      title: 'Two processes in one namespace',
      task: 'Put a second process into a UTS namespace that a first one made, and let its host name become "crate" for both.',
      hints: [
        'What unshare makes, nsenter enters.',
        'nsenter --target PID --uts PROGRAM',
        "nsenter --target PID --uts sh -c 'hostname crate; exec sleep 1000' &",
      ],
      solution: [
        {
          command: "nsenter --target $(cat /run/box) --uts sh -c 'hostname crate; exec sleep 1000' &",
          why: 'Both now point to the same namespace, so that one renames the host of the other. "docker exec" is this.',
        },
        {
          command:
            'until [ "$(nsenter --target $(cat /run/box) --uts uname -n)" = crate ]; do sleep 0.1; done',
          why: 'The first process never ran hostname again, and has the new name.',
        },
      ],
      requirements: [
        needPair(
          "two processes share a UTS namespace that is not the lab's, and its host name is crate",
          'uts',
          '[ "$(nsenter --uts=$p/ns/uts uname -n)" = crate ]',
        ),
      ],
    },
    {
      id: 'keep',
      title: 'A namespace without a process',
      task: 'Leave a UTS namespace behind in which the host is called "ghost" and no process runs.',
      hints: [
        'A namespace also lives while it is mounted somewhere.',
        'An empty file is enough of a mount point; see --uts=FILE of unshare(1).',
        'touch /run/ghost; unshare --uts=/run/ghost hostname ghost',
      ],
      solution: [
        { command: 'touch /run/ghost', why: 'A namespace is a file, so it is mounted on a file.' },
        {
          command: 'unshare --uts=/run/ghost hostname ghost',
          why: 'hostname ends at once; the bind mount of its /proc/PID/ns/uts holds the namespace. "ip netns add" is this.',
        },
      ],
      requirements: [
        need(
          'a UTS namespace is mounted, its host name is ghost, and no process is in it',
          `while read -r _ _ _ root at _; do
  case $root in uts:*) ;; *) continue ;; esac
  [ "$(nsenter --uts="$at" uname -n)" = ghost ] || continue
  for p in /proc/[0-9]*; do [ "$(readlink $p/ns/uts)" != "$root" ] || continue 2; done
  exit 0
done </proc/1/mountinfo
exit 1`,
        ),
      ],
    },
  ],
  epilogue:
    'Docker names the host after the container (or as --hostname says); minidock does it in PID 1, before the ' +
    'image’s program starts. "minidock exec" enters all namespaces of the container, one setns(2) each.',
};

const pid: Lesson = {
  name: 'ns-pid',
  group: 'beyond',
  title: 'PID 1, and a /proc that knows it',
  story:
    'In a PID namespace numbers begin again at 1. A process in it has two numbers: one for those inside, one for ' +
    'those outside, who see it all the same. What ps prints, however, it reads in /proc, and a /proc belongs to the ' +
    'PID namespace it was mounted in: this is where most first attempts at a container look broken.',
  setup: [],
  steps: [
    {
      id: 'first',
      title: 'Number 1',
      task: 'Let a process run that has the number 1 in a PID namespace of its own.',
      hints: [
        'unshare makes PID namespaces too, but the process that asks for one stays outside; its children are in it.',
        'unshare --pid alone is not enough: --fork makes the child.',
        'unshare --pid --fork sleep 1000 &',
      ],
      solution: [
        {
          command: 'unshare --pid --fork sleep 1000 &',
          why: 'A process never changes its number, so the new namespace is for children. Without --fork the first child is PID 1, and when it ends nothing can be forked any more: "Cannot allocate memory".',
        },
      ],
      requirements: [
        needProcess(
          'a process has the number 1 in a PID namespace that is not the lab’s (NSpid in /proc/PID/status)',
          'own pid && field NSpid | grep -Eq "[[:space:]]1$"',
        ),
      ],
    },
    {
      id: 'proc',
      title: 'A /proc to go with it',
      task: 'Let a process of a new PID namespace see only itself and its like in /proc. The lab’s /proc stays as it is.',
      hints: [
        'Mount a new proc from inside. But where it is mounted, everyone of the same mount namespace sees it.',
        'So the process needs a mount namespace as well.',
        'unshare --pid --fork --mount-proc sleep 1000 &',
      ],
      solution: [
        {
          command: 'unshare --pid --fork --mount-proc sleep 1000 &',
          why: '--mount-proc makes a mount namespace, keeps its mounts from spreading, and mounts proc on /proc in it.',
        },
      ],
      requirements: [
        needProcess(
          'a process has PID and mount namespaces of its own, and number 1 of its /proc is PID 1 of its own namespace',
          'own pid && own mnt && [ "$(readlink $p/root/proc/1/ns/pid)" = "$(readlink $p/ns/pid)" ]',
        ),
        need(
          'the lab’s /proc still shows the lab',
          '[ "$(readlink /proc/1/root/proc/1/ns/mnt)" = "$(readlink /proc/1/ns/mnt)" ] && [ "$(cat /proc/1/root/proc/1/comm)" = "$(cat /proc/1/comm)" ]',
        ),
      ],
    },
    {
      id: 'number',
      title: 'Two numbers for one process',
      task: 'Write into /root/number the number by which the lab knows a process that is PID 1 in a namespace of its own.',
      hints: [
        'NSpid in /proc/PID/status lists the numbers of a process, the outermost first.',
        'lsns --type pid shows each namespace with its lowest process.',
        'lsns --type pid --noheadings --output PID | grep -vx " *1" | head -n 1 >/root/number',
      ],
      solution: [
        {
          command: 'until [ "$(lsns --type pid --noheadings | wc -l)" -gt 1 ]; do sleep 0.1; done',
          why: 'lsns reads /proc/*/ns of all processes; one line is the lab’s own.',
        },
        {
          command: 'lsns --type pid --noheadings --output PID | grep -vx " *1" | head -n 1 >/root/number',
          why: 'From outside a process is an ordinary process: this is the number to kill, to trace, to look up in /proc.',
        },
      ],
      requirements: [
        need(
          'the number in /root/number is a process that has the number 1 inside',
          'p=/proc/$(tr -dc 0-9 </root/number) && [ -d $p/ns ] && own pid && field NSpid | grep -Eq "[[:space:]]1$"',
        ),
      ],
    },
  ],
  epilogue:
    '"docker inspect -f {{.State.Pid}}" is the outer number, and "docker top" translates. minidock starts its PID ' +
    '1 by unshare --fork as you did, and mounts /proc from inside. The lesson pid-one shows the duties of PID 1.',
};

export const lessons: readonly Lesson[] = [uts, pid];
