/** The namespaces, one by one, and a root directory. */
import { IN_BACKGROUND, KILL_SLEEPERS, type LessonWays } from './ways.ts';

const alive = (line: string): { type: string; undo: string } => ({
  type: `${line} ${IN_BACKGROUND} sleep 0.2`,
  undo: KILL_SLEEPERS,
});

const uts: LessonWays = {
  lesson: 'ns-uts',
  steps: {
    own: {
      wrong: [
        { type: 'hostname box', undo: 'hostname lab' },
        alive('unshare --ipc sleep 1000'),
        alive("unshare --uts sh -c 'hostname crate; exec sleep 1000'"),
      ],
      right: `unshare --uts --ipc sh -c 'hostname box; echo $$ >/run/box; exec sleep 1000' ${IN_BACKGROUND}`,
    },
    enter: {
      wrong: [
        // Each in its own.
        `for i in 1 2; do unshare --uts sh -c 'hostname crate; exec sleep 1000' ${IN_BACKGROUND} done`,
        `nsenter --target $(cat /run/box) --ipc sleep 1000 ${IN_BACKGROUND}`,
      ],
      right: `nsenter --target $(cat /run/box) --uts sh -c 'hostname crate; exec sleep 1000' ${IN_BACKGROUND}`,
    },
    keep: {
      // Mounted, but with a process in it.
      wrong: [
        `touch /run/busy; unshare --uts=/run/busy sh -c 'hostname ghost; setsid sleep 1000 ${IN_BACKGROUND}'`,
        'hostname ghost',
      ],
      right:
        "hostname lab; touch /run/other; unshare --uts sh -c 'hostname ghost; nsenter --target 1 --mount mount --bind /proc/$$/ns/uts /run/other'",
    },
  },
};

const pid: LessonWays = {
  lesson: 'ns-pid',
  steps: {
    first: {
      // Who asks for the namespace is not in it.
      wrong: [`unshare --pid sleep 1000 ${IN_BACKGROUND}`, `unshare --fork sleep 1000 ${IN_BACKGROUND}`],
      right: `setsid unshare --pid --fork sh -c 'exec sleep 1000' ${IN_BACKGROUND}`,
    },
    proc: {
      // Both namespaces without a new /proc; and all of it, but nobody who is still there.
      wrong: [
        `unshare --pid --mount --fork sleep 1000 ${IN_BACKGROUND}`,
        'unshare --pid --fork --mount-proc true',
      ],
      right: `unshare --pid --mount --fork sh -c 'umount -l /proc; mount -t proc proc /proc; exec sleep 1000' ${IN_BACKGROUND}`,
    },
    number: {
      wrong: [
        'echo 1 >/root/number',
        'echo $$ >/root/number',
        // Who asked for the namespace, outside of it.
        'pidof unshare | cut -d" " -f1 >/root/number',
      ],
      right: 'lsns --type pid --noheadings --output PID | grep -vx " *1" | tail -n 1 >/root/number',
    },
  },
};

const mount: LessonWays = {
  lesson: 'ns-mount',
  steps: {
    own: {
      wrong: [
        { type: 'mount -t tmpfs tmpfs /mnt; echo 42 >/mnt/secret', undo: 'umount /mnt' },
        alive("unshare --mount sh -c 'mount -t tmpfs tmpfs /mnt; : >/mnt/secret; exec sleep 1000'"),
        "unshare --mount sh -c 'mount -t tmpfs tmpfs /mnt; echo 42 >/mnt/secret'",
      ],
      right: `unshare --mount sh -c 'mount -t tmpfs other /mnt; echo 42 >/mnt/secret; exec sleep 1000' ${IN_BACKGROUND}`,
    },
    slave: {
      wrong: [
        {
          type: `unshare --mount sleep 1000 ${IN_BACKGROUND} sleep 0.2; mount -t tmpfs disk /srv/shared/disk; touch /srv/shared/disk/here`,
          undo: `umount /srv/shared/disk; ${KILL_SLEEPERS}`,
        },
        {
          type: `unshare --mount --propagation shared sleep 1000 ${IN_BACKGROUND} sleep 0.2; mount -t tmpfs disk /srv/shared/disk; touch /srv/shared/disk/here`,
          undo: `umount /srv/shared/disk; ${KILL_SLEEPERS}`,
        },
        // A directory is no disk.
        {
          type: `unshare --mount --propagation slave sleep 1000 ${IN_BACKGROUND} touch /srv/shared/disk/here`,
          undo: 'rm /srv/shared/disk/here',
          misses: 'mounted in the lab',
        },
      ],
      right: 'mount -t tmpfs disk /srv/shared/disk; touch /srv/shared/disk/here',
    },
    private: {
      wrong: [
        // The order is the other one.
        {
          type: `mount -t tmpfs late /srv/shared/late; touch /srv/shared/late/here; unshare --mount sleep 1000 ${IN_BACKGROUND} sleep 0.2`,
          undo: 'umount /srv/shared/late',
        },
        {
          type: `unshare --mount --propagation slave sleep 1000 ${IN_BACKGROUND} sleep 0.2; mount -t tmpfs late /srv/shared/late; touch /srv/shared/late/here`,
          undo: 'umount /srv/shared/late',
        },
      ],
      right: `unshare --mount sleep 1000 ${IN_BACKGROUND} sleep 0.2; mount -t tmpfs late /srv/shared/late; touch /srv/shared/late/here`,
    },
  },
};

const ipc: LessonWays = {
  lesson: 'ns-ipc',
  steps: {
    own: {
      wrong: [
        { type: 'ipcmk --shmem 4096', undo: 'ipcrm --all=shm' },
        alive('unshare --ipc sleep 1000'),
        "unshare --ipc sh -c 'ipcmk --shmem 4096'",
        alive("unshare --ipc sh -c 'ipcmk --semaphore 1; exec sleep 1000'"),
      ],
      right: `unshare --ipc sh -c 'ipcmk --shmem 8192; echo $$ >/run/box; exec sleep 1000' ${IN_BACKGROUND}`,
    },
    join: {
      wrong: [
        `nsenter --target $(cat /run/box) --net sleep 1000 ${IN_BACKGROUND}`,
        `unshare --ipc sh -c 'ipcmk --shmem 4096; exec sleep 1000' ${IN_BACKGROUND}`,
        'nsenter --target $(cat /run/box) --ipc true',
      ],
      right: `nsenter --ipc=/proc/$(cat /run/box)/ns/ipc sleep 1000 ${IN_BACKGROUND}`,
    },
  },
};

const net: LessonWays = {
  lesson: 'ns-net',
  steps: {
    own: {
      wrong: [
        `ip netns exec outside sleep 1000 ${IN_BACKGROUND}`,
        'ip netns add box',
        { type: 'unshare --net true', undo: 'ip netns del box' },
      ],
      right: `unshare --net sh -c 'echo $$ >/run/box; exec sleep 1000' ${IN_BACKGROUND}`,
    },
    name: {
      wrong: [
        // No process is in it.
        { type: 'ip netns add box; ip -n box link set lo up', undo: 'ip netns del box' },
        // Outside has one, by another name.
        {
          type: 'touch /run/netns/box; mount --bind /run/netns/outside /run/netns/box',
          undo: 'ip netns del box',
        },
        { type: 'ip netns attach box $(cat /run/box)', misses: '127.0.0.1 answers' },
      ],
      right: 'ip -n box link set lo up',
    },
    share: {
      wrong: [
        `nsenter --net=/run/netns/box sleep 1000 ${IN_BACKGROUND}`,
        `unshare --net --uts sh -c 'hostname sidecar; exec sleep 1000' ${IN_BACKGROUND}`,
        {
          type: `hostname sidecar; nsenter --net=/run/netns/box sleep 1000 ${IN_BACKGROUND}`,
          undo: 'hostname lab',
        },
      ],
      right: `unshare --uts sh -c 'hostname sidecar; exec nsenter --net=/run/netns/box sleep 1000' ${IN_BACKGROUND}`,
    },
  },
};

const cgroup: LessonWays = {
  lesson: 'ns-cgroup',
  steps: {
    group: {
      wrong: [
        'mkdir /root/groups/box',
        `mkdir /root/groups/crate; sh -c 'echo $$ >/root/groups/crate/cgroup.procs; exec sleep 1000' ${IN_BACKGROUND}`,
      ],
      right: `sh -c 'echo 0 >/root/groups/box/cgroup.procs; exec sleep 1000' ${IN_BACKGROUND}`,
    },
    own: {
      wrong: [
        // The other order.
        `unshare --cgroup sh -c 'echo 0 >/root/groups/box/cgroup.procs; exec sleep 1000' ${IN_BACKGROUND}`,
        `unshare --cgroup sleep 1000 ${IN_BACKGROUND}`,
      ],
      right: `sh -c 'echo 0 >/root/groups/box/cgroup.procs; exec unshare --cgroup --uts sleep 1000' ${IN_BACKGROUND}`,
    },
  },
};

const user: LessonWays = {
  lesson: 'ns-user',
  steps: {
    map: {
      wrong: [
        `unshare --user --map-root-user sleep 1000 ${IN_BACKGROUND}`,
        `setpriv --reuid 1000 --regid 1000 --clear-groups sleep 1000 ${IN_BACKGROUND}`,
        // Not root in there.
        `setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user sleep 1000 ${IN_BACKGROUND}`,
        `setpriv --reuid 1001 --regid 1001 --clear-groups unshare --user --map-root-user sleep 1000 ${IN_BACKGROUND}`,
      ],
      right: `setpriv --reuid 1000 --regid 1000 --clear-groups unshare -r --net sleep 1000 ${IN_BACKGROUND}`,
    },
    power: {
      wrong: [
        'touch /srv/drop/by-root',
        {
          type: `rm /srv/drop/by-root; unshare --uts sh -c 'hostname mine; setpriv --reuid 1000 --regid 1000 --clear-groups sh -c "touch /srv/drop/by-root; exec sleep 1000"' ${IN_BACKGROUND} sleep 0.2`,
          undo: 'rm /srv/drop/by-root',
        },
        `unshare -r --uts sh -c 'hostname mine; touch /srv/drop/by-root; exec sleep 1000' ${IN_BACKGROUND}`,
      ],
      right: `rm -f /srv/drop/by-root; setpriv --reuid 1000 --regid 1000 --clear-groups unshare -r --uts --ipc sh -c 'hostname mine; touch /srv/drop/by-root; exec sleep 1000' ${IN_BACKGROUND}`,
    },
  },
};

const chroot: LessonWays = {
  lesson: 'chroot-pivot',
  steps: {
    chroot: {
      wrong: [
        `cd /srv/box; sleep 1000 ${IN_BACKGROUND}`,
        `mkdir -p /srv/other; cp -a /srv/box/. /srv/other; chroot /srv/other /bin/sleep 1000 ${IN_BACKGROUND}`,
        'chroot /srv/box true',
      ],
      right: `cd /; chroot /srv/box /bin/sleep 1001 ${IN_BACKGROUND}`,
    },
    escape: {
      wrong: [
        `chroot /srv/box sh -c 'cd ../../..; exec sleep 1000' ${IN_BACKGROUND}`,
        // Never was in it.
        `cd /root; sleep 1000 ${IN_BACKGROUND}`,
      ],
    },
    pivot: {
      // A root directory in a mount namespace of its own is still no pivot_root; and the old root may not stay.
      wrong: [
        `unshare --mount sh -c 'mount --bind /srv/box /srv/box; exec chroot /srv/box sleep 1000' ${IN_BACKGROUND}`,
        `unshare --mount sh -c 'mount --bind /srv/box /srv/box; cd /srv/box; mkdir -p old; pivot_root . old; exec sleep 1000' ${IN_BACKGROUND}`,
        // Nothing else is left of the old one.
        `mkdir -p /srv/box/lab; unshare --mount sh -c 'mount --bind /srv/box /srv/box; mount --bind / /srv/box/lab; cd /srv/box; pivot_root . .; umount -l .; exec sleep 1000' ${IN_BACKGROUND} sleep 0.1`,
      ],
      right: `unshare --mount sh -c 'echo $$ >/run/box; mkdir /srv/new; mount --bind /srv/box /srv/new; cd /srv/new; mkdir -p old; pivot_root . old; umount -l /old; for i in 1 2 3 4; do mount -t tmpfs tmpfs /tmp; done; exec sleep 1000' ${IN_BACKGROUND}`,
    },
    again: {
      wrong: [
        `chroot /srv/box sh -c 'mkdir -p /jail; exec nsenter -r/jail ./bin/busybox sh -c "cd -P ../..; exec srv/box/bin/busybox sleep 1000"' ${IN_BACKGROUND}`,
        `nsenter --target $(cat /run/box) --mount /bin/sh -c 'mkdir -p /jail; exec sleep 1000' ${IN_BACKGROUND}`,
      ],
    },
  },
};

export const namespaceWays: readonly LessonWays[] = [uts, pid, mount, ipc, net, cgroup, user, chroot];
