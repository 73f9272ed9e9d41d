/** A root directory of its own: chroot, how root walks out of it, and pivot_root, which leaves nothing to walk to. */
import type { Lesson } from '../lesson.ts';
import { needProcess } from './seen.ts';

/** A root file system of one static program at /srv/box; its file /etc/marker identifies it. */
export const BOX_SETUP = [
  'mkdir -p /srv/box/bin /srv/box/etc /srv/box/proc /srv/box/tmp',
  'cp "$(command -v busybox)" /srv/box/bin/busybox',
  'for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "/srv/box/bin/$name"; done',
  'echo box >/srv/box/etc/marker',
] as const;

/** Device and directory of the lab's own root in mountinfo(5); /srv/box is another directory of this device. */
const LAB_ROOT = "$(sed -n 's|^[0-9]* [0-9]* \\([^ ]* [^ ]*\\) / .*|\\1|p' /proc/1/mountinfo | tail -n 1)";

const chroot: Lesson = {
  name: 'chroot-pivot',
  group: 'beyond',
  title: 'chroot, the way out of it, and pivot_root',
  story:
    '/srv/box is a root file system: one program, busybox, under many names. /root/secret is outside of it. ' +
    'chroot(2) changes where a process begins to look up "/…", and nothing else: not its working directory, not ' +
    'its mounts. pivot_root(2) changes the mount at the top of a mount namespace instead. The difference is ' +
    'whether there is anything left outside.',
  setup: [...BOX_SETUP, '(umask 077; echo "not for the box" >/root/secret)'],
  steps: [
    {
      id: 'chroot',
      title: 'Another root directory',
      task: 'Let a program of /srv/box run with /srv/box as its root directory.',
      hints: [
        'There is a command named like the system call.',
        'chroot DIRECTORY PROGRAM',
        'chroot /srv/box sleep 1000 &',
      ],
      solution: [
        {
          command: 'chroot /srv/box sleep 1000 &',
          why: 'The sleep is that of /srv/box/bin: the program is looked up after the change. /proc/PID/root shows it.',
        },
      ],
      requirements: [
        needProcess('the root of a process is /srv/box', '[ "$(readlink $p/root)" = /srv/box ]'),
      ],
    },
    {
      id: 'escape',
      title: 'Out of it',
      task: 'From within the chroot, start a process whose working directory is outside of /srv/box.',
      hints: [
        '".." stops only at the root directory of the process. What if ".." never meets that directory?',
        'Inside, move the root to a directory below while the working directory stays where it is. nsenter -rDIR of busybox does the one without the other, and runs a program by a path relative to where you are: ./bin/busybox',
        'chroot /srv/box sh -c \'mkdir -p /jail; exec nsenter -r/jail ./bin/busybox sh -c "cd -P ../..; exec srv/box/bin/busybox sleep 1000"\' &',
      ],
      solution: [
        {
          command:
            'chroot /srv/box sh -c \'mkdir -p /jail; exec nsenter -r/jail ./bin/busybox sh -c "cd -P ../..; cat root/secret; touch srv/box/out; exec srv/box/bin/busybox sleep 1000"\' &',
          why: 'The second chroot moves the root to /srv/box/jail; the working directory is above it now. Going up, ".." never meets the root, so nothing stops it before the true one.',
        },
        {
          command: 'until [ -e /srv/box/out ]; do sleep 0.1; done',
          why: 'It has read the secret: a chroot does not hold root.',
        },
      ],
      requirements: [
        needProcess(
          'a process has its root in /srv/box and its working directory outside of it',
          'case $(readlink $p/root) in /srv/box*) case $(readlink $p/cwd) in /srv/box*|"") false ;; esac ;; *) false ;; esac',
        ),
      ],
    },
    {
      id: 'pivot',
      title: 'Nothing above',
      task: 'Let a process run in a mount namespace whose topmost file system is that of /srv/box, and in which the lab’s is not mounted at all.',
      hints: [
        'pivot_root NEW OLD works in a mount namespace of its own, and NEW has to be a mount point: bind it on itself.',
        'The old root is then mounted at OLD and has to be unmounted (umount -l). NEW and OLD may both be "."; the old one lies on top then.',
        "unshare --mount sh -c 'mount --bind /srv/box /srv/box; cd /srv/box; pivot_root . .; umount -l .; exec sleep 1000' &",
      ],
      solution: [
        {
          command:
            "unshare --mount sh -c 'mount --bind /srv/box /srv/box && cd /srv/box && pivot_root . . && umount -l . && cd / && exec sleep 1000' & echo $! >/run/box",
          why: 'Unlike chroot this exchanges the mount at the top, for every process of the namespace; the old tree is then taken away.',
        },
        {
          command:
            'until [ "$(nsenter --target $(cat /run/box) --mount /bin/cat /etc/marker)" = box ]; do sleep 0.1; done',
          why: 'nsenter goes to the root of the namespace, not of the process; for the one in the chroot it shows the lab.',
        },
      ],
      requirements: [
        needProcess(
          'in the mount namespace of a process the topmost file system is that of /srv/box',
          'own mnt && [ "$(nsenter --mount=$p/ns/mnt /bin/cat /etc/marker)" = box ]',
        ),
        needProcess(
          'and the lab’s root is not mounted in it any more',
          // A process with another root directory sees only part of the table.
          `own mnt && [ "$(nsenter --mount=$p/ns/mnt /bin/cat /etc/marker)" = box ] && [ "$(readlink $p/root)" = / ] && ! grep -q "^[0-9]* [0-9]* ${LAB_ROOT} /" $p/mountinfo`,
        ),
      ],
    },
    {
      id: 'again',
      title: 'The same way out',
      task: 'In the new namespace, do again what led out of the chroot: a root directory below the working directory. See where it leads.',
      hints: [
        'nsenter --target PID --mount /bin/sh puts you there.',
        'The line of the step "Out of it", from mkdir on.',
        'nsenter --target PID --mount /bin/sh -c \'mkdir -p /jail; exec nsenter -r/jail ./bin/busybox sh -c "cd -P ../..; exec ./bin/busybox sleep 1000"\' &',
      ],
      solution: [
        {
          command:
            'nsenter --target $(cat /run/box) --mount /bin/sh -c \'cd /; mkdir -p /jail; exec nsenter -r/jail ./bin/busybox sh -c "cd -P ../..; touch again; exec ./bin/busybox sleep 1000"\' &',
          why: 'It leaves its root directory, and arrives at the top of the mount namespace, which is the box again.',
        },
        {
          command: 'until [ -e /srv/box/again ]; do sleep 0.1; done',
          why: 'There is no /root/secret up here: it is not mounted.',
        },
      ],
      requirements: [
        needProcess(
          'a process has its root below its working directory, in the box, and there is no /root/secret above',
          'own mnt && [ -e $p/cwd/etc/marker ] && [ ! -e $p/root/etc/marker ] && [ -d $p/root ] && [ ! -e $p/cwd/root/secret ]',
        ),
      ],
    },
  ],
  epilogue:
    'runc and minidock use pivot_root(".", ".") with an unmount, as you did (runtime/rootfs/pivot.ts). Docker also ' +
    'takes CAP_SYS_ADMIN away, without which nothing can be mounted; it leaves CAP_SYS_CHROOT, since there is ' +
    'nowhere to go.',
};

export const lessons: readonly Lesson[] = [chroot];
