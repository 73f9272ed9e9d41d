/** Mount namespaces, and how a mount spreads from one to the other. */
import type { Lesson } from '../lesson.ts';
import { need, needProcess } from './seen.ts';

const mount: Lesson = {
  name: 'ns-mount',
  group: 'beyond',
  title: 'Mounts of its own, and which of them spread',
  story:
    'A mount namespace is a copy of the whole table of mounts. Copies would soon be out of date, so mounts can be ' +
    'peers: what is mounted below one appears below the other. That is propagation, and it is why a container may see ' +
    'a disk plugged in later, or spill its own mounts onto the host. /srv/shared is a shared mount of the lab.',
  setup: [
    'mkdir -p /srv/shared',
    'mount -t tmpfs shared /srv/shared',
    'mount --make-shared /srv/shared',
    'mkdir /srv/shared/disk /srv/shared/late',
  ],
  steps: [
    {
      id: 'own',
      title: 'A mount that only one process sees',
      task: 'Let a process see a non-empty file /mnt/secret that no other process in the lab sees.',
      hints: [
        'A tmpfs mounted in a mount namespace of its own.',
        'unshare --mount PROGRAM',
        "unshare --mount sh -c 'mount -t tmpfs tmpfs /mnt; echo 42 >/mnt/secret; exec sleep 1000' &",
      ],
      solution: [
        {
          command:
            "unshare --mount sh -c 'mount -t tmpfs tmpfs /mnt; echo 42 >/mnt/secret; exec sleep 1000' &",
          why: 'The table is copied, and the new mount is added to the copy alone. /proc/PID/root/mnt shows it from outside.',
        },
        {
          command: 'until [ -s /proc/$!/root/mnt/secret ]; do sleep 0.1; done',
          why: '/proc/PID/root leads into what that process sees, mounts and all.',
        },
      ],
      requirements: [
        needProcess(
          'a process with a mount namespace of its own sees /mnt/secret',
          'own mnt && [ -s $p/root/mnt/secret ]',
        ),
        need('the lab does not see it', '[ ! -e /proc/1/root/mnt/secret ]'),
      ],
    },
    {
      id: 'slave',
      title: 'In, but not out',
      task: 'Let a process with its own mount namespace receive mounts made below /srv/shared (a "slave"), and mount in the lab a file system on /srv/shared/disk, with a file "here" in it.',
      hints: [
        'unshare makes everything private by default: see --propagation.',
        'In /proc/PID/mountinfo a slave has the word master:N, and no shared:N.',
        'unshare --mount --propagation slave sleep 1000 &  then mount -t tmpfs disk /srv/shared/disk',
      ],
      solution: [
        {
          command: "unshare --mount --propagation slave sh -c 'touch /run/slave; exec sleep 1000' &",
          why: 'A slave receives from its master and sends nothing back: what is mounted in there does not reach the lab.',
        },
        {
          command: 'until [ -e /run/slave ]; do sleep 0.1; done',
          why: 'The next command must come after the copy.',
        },
        { command: 'mount -t tmpfs disk /srv/shared/disk', why: 'Somebody plugs in a disk.' },
        {
          command: 'touch /srv/shared/disk/here',
          why: 'Seen through /proc/PID/root/srv/shared/disk/here as well.',
        },
      ],
      requirements: [
        needProcess(
          'for a process /srv/shared is a slave, and /srv/shared/disk/here is there',
          'own mnt && grep " /srv/shared " $p/mountinfo | grep " master:" | grep -vq " shared:" && [ -e $p/root/srv/shared/disk/here ]',
        ),
        need('/srv/shared/disk is mounted in the lab', 'grep -q " /srv/shared/disk " /proc/1/mountinfo'),
      ],
    },
    {
      id: 'private',
      title: 'Neither in nor out',
      task: 'Let a process have its own mount namespace in which /srv/shared is private; then mount a file system on /srv/shared/late, with a file "here" in it, that this process does not see.',
      hints: [
        'The order matters: first the process, then the mount.',
        'unshare --mount makes all mounts private by itself.',
        'unshare --mount sleep 1000 &  then mount -t tmpfs late /srv/shared/late',
      ],
      solution: [
        {
          command: "unshare --mount sh -c 'touch /run/private; exec sleep 1000' &",
          why: 'unshare(2) alone would leave /srv/shared shared with the lab; the program unshare makes it private.',
        },
        {
          command: 'until [ -e /run/private ]; do sleep 0.1; done',
          why: 'A mount made before would be in the copy.',
        },
        {
          command: 'mount -t tmpfs late /srv/shared/late',
          why: 'The slave of the step before gets this one, too.',
        },
        {
          command: 'touch /srv/shared/late/here',
          why: 'In the private copy there is only the empty directory below.',
        },
      ],
      requirements: [
        need('/srv/shared/late/here is there in the lab', '[ -e /proc/1/root/srv/shared/late/here ]'),
        needProcess(
          'a process for which /srv/shared is private does not see it',
          'own mnt && grep " /srv/shared " $p/mountinfo | grep -Evq " (master|shared):" && [ -d $p/root/srv/shared/late ] && [ ! -e $p/root/srv/shared/late/here ]',
        ),
      ],
    },
  ],
  epilogue:
    'Docker’s -v …:rslave and :rshared are these words; the default is rprivate. minidock makes everything private ' +
    'first, so that nothing a container mounts can appear on the host.',
};

export const lessons: readonly Lesson[] = [mount];
