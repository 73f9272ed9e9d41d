/** The IPC, network and cgroup namespaces. */
import type { Lesson } from '../lesson.ts';
import { need, needPair, needProcess } from './seen.ts';

const SEGMENT = '[ "$(nsenter --ipc=$p/ns/ipc cat /proc/sysvipc/shm | wc -l)" -gt 1 ]';

const ipc: Lesson = {
  name: 'ns-ipc',
  group: 'beyond',
  title: 'Shared memory nobody else can name',
  story:
    'System V shared memory, semaphores and message queues have numbers instead of files, so no mount can hide them. ' +
    'Without a namespace of their own, any two programs of the same user that agree on a key would meet, across containers.',
  setup: [],
  steps: [
    {
      id: 'own',
      title: 'A segment of its own',
      task: 'Let a process live in an IPC namespace in which there is a shared memory segment, while the lab has none.',
      hints: [
        'ipcmk makes a segment, ipcs lists them, each in the namespace it runs in.',
        'Both the segment and something that keeps the namespace alive are needed.',
        "unshare --ipc sh -c 'ipcmk --shmem 4096; exec sleep 1000' &",
      ],
      solution: [
        {
          command:
            "unshare --ipc sh -c 'ipcmk --shmem 4096; touch /run/segment; exec sleep 1000' & echo $! >/run/box",
          why: 'A new IPC namespace is empty; it is no copy. The segment belongs to it and goes with it.',
        },
        { command: 'until [ -e /run/segment ]; do sleep 0.1; done', why: 'Until it is made.' },
        { command: 'ipcs --shmems', why: 'In the lab: nothing.' },
      ],
      requirements: [
        needProcess('a process is in an IPC namespace of its own with a segment', `own ipc && ${SEGMENT}`),
        need(
          'the lab has no segment',
          '[ "$(nsenter --ipc=/proc/1/ns/ipc cat /proc/sysvipc/shm | wc -l)" = 1 ]',
        ),
      ],
    },
    {
      id: 'join',
      title: 'Two that may share',
      task: 'Let a second process join the namespace with the segment.',
      hints: [
        'nsenter enters any kind of namespace.',
        'nsenter --target PID --ipc PROGRAM',
        'nsenter --target PID --ipc sleep 1000 &',
      ],
      solution: [
        {
          command: 'nsenter --target $(cat /run/box) --ipc sleep 1000 &',
          why: 'For two programs made to talk through memory.',
        },
        {
          command: 'nsenter --target $(cat /run/box) --ipc ipcs --shmems',
          why: 'The segment, as both see it.',
        },
      ],
      requirements: [
        needPair("two processes share an IPC namespace with a segment, not the lab's", 'ipc', SEGMENT),
      ],
    },
  ],
  epilogue:
    'Every container of Docker and minidock has an IPC namespace; Docker’s --ipc container:NAME is the second step. ' +
    'POSIX shared memory is files in /dev/shm: for that, each container has a tmpfs (--shm-size).',
};

const net: Lesson = {
  name: 'ns-net',
  group: 'beyond',
  title: 'What ip netns hides',
  story:
    'The network lessons used "ip netns add". It is a convenience: a network namespace is a namespace like the ' +
    'others, and its name is a file that it is mounted on. Here you make one without ip, give it a name ' +
    'afterwards, and put two otherwise separate processes into it, as a Kubernetes pod does.',
  setup: [],
  steps: [
    {
      id: 'own',
      title: 'Nothing but lo',
      task: 'Let a process run in a new network namespace (not "outside").',
      hints: ['As for host names, with another word.', 'unshare --net PROGRAM', 'unshare --net sleep 1000 &'],
      solution: [
        {
          command: 'unshare --net sleep 1000 & echo $! >/run/box',
          why: 'A new network namespace has one interface, lo, which is down: no addresses, no routes, no firewall rules.',
        },
        {
          command:
            'until [ "$(readlink /proc/$(cat /run/box)/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done',
          why: 'The numbers differ as soon as it has one of its own.',
        },
      ],
      requirements: [
        needProcess(
          'a process is in a network namespace that is neither the lab’s nor outside',
          'own net && [ "$(stat -Lc %i $p/ns/net)" != "$(stat -Lc %i /run/netns/outside)" ]',
        ),
      ],
    },
    {
      id: 'name',
      title: 'A name for it',
      task: 'Make "ip netns" know the network namespace of that process as "box", and bring lo up in it.',
      hints: [
        'ip netns looks for files in /run/netns.',
        'ip netns attach NAME PID, or: touch /run/netns/box and mount --bind /proc/PID/ns/net on it.',
        'ip netns attach box PID; ip -n box link set lo up',
      ],
      solution: [
        {
          command: 'ip netns attach box $(cat /run/box)',
          why: 'Nothing but "touch /run/netns/box; mount --bind /proc/PID/ns/net /run/netns/box".',
        },
        { command: 'ip -n box link set lo up', why: 'Even 127.0.0.1 is unreachable while lo is down.' },
      ],
      requirements: [
        needProcess(
          '/run/netns/box is the network namespace of a running process (not outside)',
          'own net && [ "$(stat -Lc %d:%i /run/netns/box)" = "$(stat -Lc %d:%i $p/ns/net)" ] && [ "$(stat -Lc %i $p/ns/net)" != "$(stat -Lc %i /run/netns/outside)" ]',
        ),
        { text: '127.0.0.1 answers in box', holds: (host) => host.ping('127.0.0.1', { netns: 'box' }) },
      ],
    },
    {
      id: 'share',
      title: 'A pod',
      task: 'Let a process share the network of box, while its host name is its own: "sidecar".',
      hints: [
        'Enter one namespace, make the other.',
        'nsenter --net=FILE PROGRAM, where PROGRAM is an unshare --uts.',
        "nsenter --net=/run/netns/box unshare --uts sh -c 'hostname sidecar; exec sleep 1000' &",
      ],
      solution: [
        {
          command:
            "nsenter --net=/run/netns/box unshare --uts sh -c 'hostname sidecar; exec sleep 1000' & echo $! >/run/sidecar",
          why: 'Namespaces of different kinds are independent: each is shared or not, as you like.',
        },
        {
          command:
            'until [ "$(nsenter --target $(cat /run/sidecar) --uts uname -n)" = sidecar ]; do sleep 0.1; done',
          why: 'A port that one of them listens on is at 127.0.0.1 for the other.',
        },
      ],
      requirements: [
        needProcess(
          'a process called sidecar, in its own UTS namespace, is in the network namespace box',
          'own uts && [ "$(nsenter --uts=$p/ns/uts uname -n)" = sidecar ] && [ "$(stat -Lc %i /run/netns/box)" = "$(stat -Lc %i $p/ns/net)" ]',
        ),
      ],
    },
  ],
  epilogue:
    'Docker keeps its namespaces mounted in /run/docker/netns, where "ip netns" does not look. "--network container:NAME" ' +
    'is the last step; a Kubernetes pod keeps one idle process ("pause") so that the namespace outlives its containers.',
};

const GROUP_SETUP =
  'ln -sfn "$([ -e /sys/fs/cgroup/cgroup.controllers ] && echo /sys/fs/cgroup || echo /sys/fs/cgroup/pids)" /root/groups';

/** Reads the group's own list of processes: /proc/PID/cgroup also names the groups of other hierarchies. */
const IN_BOX =
  'for g in $(find /root/groups/ -type d -name box); do ! grep -qx "$pid" $g/cgroup.procs || break; done; [ -n "$g" ] && grep -qx "$pid" $g/cgroup.procs';

const cgroup: Lesson = {
  name: 'ns-cgroup',
  group: 'beyond',
  title: 'Hiding where one is accounted',
  story:
    'A control group is a directory below /sys/fs/cgroup, and /proc/PID/cgroup names the one a process is in. The path ' +
    'tells a container much about its host, and looking "below /" would show it everyone else. A cgroup namespace ' +
    'makes the group a process is in when it unshares the "/" it sees. /root/groups leads to a hierarchy of this ' +
    'machine, of version 1 or 2: both work here.',
  setup: [GROUP_SETUP],
  steps: [
    {
      id: 'group',
      title: 'A group',
      task: 'Make a control group "box" below /root/groups and let a process be in it.',
      hints: [
        'mkdir makes a group, and writing a number into a file of it moves a process there.',
        'The file is cgroup.procs.',
        "mkdir /root/groups/box; sh -c 'echo $$ >/root/groups/box/cgroup.procs; exec sleep 1000' &",
      ],
      solution: [
        { command: 'mkdir -p /root/groups/box', why: 'The kernel fills the directory with its files.' },
        {
          command: "sh -c 'echo $$ >/root/groups/box/cgroup.procs; exec sleep 1000' &",
          why: 'A child starts in the group of its parent, so the shell moves itself first.',
        },
        {
          command: 'until grep -q . /root/groups/box/cgroup.procs; do sleep 0.1; done',
          why: 'Until it is in.',
        },
      ],
      requirements: [needProcess('a process is in a group box below /root/groups', IN_BOX)],
    },
    {
      id: 'own',
      title: 'Box is the root',
      task: 'Let a process in group box see "/" as its own group, while the lab still sees /box.',
      hints: [
        'The namespace takes as its root the group the process is in at that moment.',
        'So: first into the group, then unshare --cgroup.',
        "sh -c 'echo $$ >/root/groups/box/cgroup.procs; exec unshare --cgroup sleep 1000' &",
      ],
      solution: [
        {
          command:
            "sh -c 'echo $$ >/root/groups/box/cgroup.procs; exec unshare --cgroup sleep 1000' & echo $! >/run/box",
          why: 'In the other order the root would be the lab’s group, and the path would still be /box.',
        },
        {
          command:
            'until [ "$(readlink /proc/$(cat /run/box)/ns/cgroup)" != "$(readlink /proc/self/ns/cgroup)" ]; do sleep 0.1; done',
          why: 'Until it has its own.',
        },
        {
          command: 'nsenter --target $(cat /run/box) --cgroup cat /proc/$(cat /run/box)/cgroup',
          why: 'The same file, read from within: "/".',
        },
      ],
      requirements: [
        needProcess(
          'a process with a cgroup namespace of its own is in /box for the lab, and in / for itself',
          `${IN_BOX} && own cgroup && line=$(grep ":[^:]*/box$" $p/cgroup | head -n 1) && nsenter --cgroup=$p/ns/cgroup grep -qxF "\${line%/box}/" $p/cgroup`,
        ),
      ],
    },
  ],
  epilogue:
    'minidock puts PID 1 into its group first and then unshares, as you did; with Docker’s --cgroupns host it ' +
    'skips the second part. The lesson cgroup-limits shows the limits of groups.',
};

export const lessons: readonly Lesson[] = [ipc, net, cgroup];
