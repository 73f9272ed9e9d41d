/** Ways to go at the lessons beyond the network other than their solutions: wrong ones, and right ones. */
import type { PuzzleWays } from './puzzle-ways.ts';

/** Detached, since what `lab enter` was to run would otherwise wait for its end. */
const IN_BACKGROUND = '</dev/null >/dev/null 2>&1 &';

export const beyondWays: readonly PuzzleWays[] = [
  {
    lesson: 'ns-uts',
    step: 'keep',
    // Mounted, but with a process in it.
    wrong: [
      `touch /run/busy; unshare --uts=/run/busy sh -c 'hostname ghost; setsid sleep 1000 ${IN_BACKGROUND}'`,
      'hostname ghost',
    ],
    right:
      "hostname lab; touch /run/other; unshare --uts sh -c 'hostname ghost; nsenter --target 1 --mount mount --bind /proc/$$/ns/uts /run/other'",
  },
  {
    lesson: 'ns-pid',
    step: 'proc',
    // Both namespaces without a new /proc; and all of it, but nobody who is still there.
    wrong: [
      `unshare --pid --mount --fork sleep 1000 ${IN_BACKGROUND}`,
      'unshare --pid --fork --mount-proc true',
    ],
    right: `unshare --pid --mount --fork sh -c 'umount -l /proc; mount -t proc proc /proc; exec sleep 1000' ${IN_BACKGROUND}`,
  },
  {
    lesson: 'ns-net',
    step: 'name',
    wrong: ['ip netns add box; ip -n box link set lo up'],
    right: `ip netns del box; ip netns add box; ip -n box link set lo up; nsenter --net=/run/netns/box sleep 1000 ${IN_BACKGROUND}`,
  },
  {
    lesson: 'chroot-pivot',
    step: 'pivot',
    // A root directory in a mount namespace of its own is still no pivot_root; and the old root may not stay.
    wrong: [
      `unshare --mount sh -c 'mount --bind /srv/box /srv/box; exec chroot /srv/box sleep 1000' ${IN_BACKGROUND}`,
      `unshare --mount sh -c 'mount --bind /srv/box /srv/box; cd /srv/box; mkdir -p old; pivot_root . old; exec sleep 1000' ${IN_BACKGROUND}`,
    ],
    right: `unshare --mount sh -c 'mkdir /srv/new; mount --bind /srv/box /srv/new; cd /srv/new; mkdir -p old; pivot_root . old; umount -l /old; exec sleep 1000' ${IN_BACKGROUND}`,
  },
  {
    lesson: 'overlay',
    step: 'whiteout',
    wrong: [
      'rm /srv/layers/lower/doc/readme',
      'echo "read me" >/srv/layers/lower/doc/readme; : >/srv/layers/merged/doc/readme',
    ],
    right:
      'umount /srv/layers/merged; rm -rf /srv/layers/upper/doc; mkdir -p /srv/layers/upper/doc; mknod /srv/layers/upper/doc/readme c 0 0; cd /srv/layers; mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged',
  },
  {
    lesson: 'cgroup-limits',
    step: 'pids',
    // A limit that nobody ever met.
    wrong: ['mkdir /root/pids/calm; echo 5 >/root/pids/calm/pids.max'],
    right: `mkdir /root/pids/other; echo 5 >/root/pids/other/pids.max; bash -c 'echo $BASHPID >/root/pids/other/cgroup.procs; (:|:|:|:|:|:|:|:|:)' ${IN_BACKGROUND}`,
  },
  {
    lesson: 'capabilities',
    step: 'less',
    // Out of the inheritable set alone: root gets it from the bounding set again.
    wrong: [
      `setpriv --inh-caps=-chown sleep 1000 ${IN_BACKGROUND}`,
      `setpriv --reuid 1000 --clear-groups sleep 1000 ${IN_BACKGROUND}`,
    ],
    right: `setpriv --inh-caps=-all --bounding-set=-all,+kill,+dac_override sleep 1000 ${IN_BACKGROUND}`,
  },
  {
    lesson: 'capabilities',
    step: 'one',
    // The one with the capability serves nothing; the one that serves is root.
    wrong: [
      `setpriv --reuid 65534 --clear-groups --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service sleep 1000 ${IN_BACKGROUND} busybox httpd -p 203.0.113.2:80 -h /srv/www`,
    ],
    right: `kill $(pidof busybox); setpriv --reuid 65534 --clear-groups --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service busybox httpd -f -p 80 -h /srv/www ${IN_BACKGROUND}`,
  },
  {
    lesson: 'pid-one',
    step: 'init',
    // Handles nothing; and one that handles the signal, but never waits for its children.
    wrong: [
      `unshare --pid --fork --mount-proc sleep 1000 ${IN_BACKGROUND}`,
      `unshare --pid --fork --mount-proc perl -e '$SIG{TERM} = sub { exit }; if (fork == 0) { exit } sleep 1000' ${IN_BACKGROUND}`,
    ],
    right: `unshare --pid --fork --mount-proc sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' ${IN_BACKGROUND}`,
  },
  {
    lesson: 'masks',
    step: 'readonly',
    wrong: [`unshare --pid --fork --mount-proc sleep 1000 ${IN_BACKGROUND}`],
    right: `unshare --pid --fork --mount-proc sh -c 'mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec sleep 1000' ${IN_BACKGROUND}`,
  },
];
