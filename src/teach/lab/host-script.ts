/**
 * The shell scripts that create a lab's host. They use only util-linux, coreutils and iproute2, so that they can be
 * read as a lesson.
 *
 *   KEEPER  stays on the machine: joins the lab's control groups, starts STAGE, and cleans up when the lab's PID 1
 *           is gone. Status 42: start a new one.
 *   STAGE   the machine's root, in a mount namespace of its own: makes the user namespace, puts the few files that the
 *           lab needs of directories which only that root may enter into /tmp, and becomes the lab's root with
 *   ENTER   who makes the other namespaces and in them
 *   HOST    PID 1 of the lab: builds the root file system, devices and network, runs the lesson's setup, says `ready`,
 *           and reaps orphans until SIGTERM (or, BOUND to the process that made it, until that ends and with it the
 *           pipe that is its standard input).
 *
 *   outside                                       the lab's host
 *   lo   198.51.100.7/32 ("the internet")         eth0 203.0.113.2/24, default via 203.0.113.1
 *   eth0 203.0.113.1/24  <-------- veth ------->
 *
 * The user namespace protects the machine from a learner's mistakes: root of the lab has ids from LAB_IDS on, which
 * own nothing on the machine. It may do everything to what the namespace owns (mounts, networks, processes, its
 * control groups) and nothing to the rest: the kernel refuses it the machine's devices, settings (/proc/sys outside
 * of net), clock, modules, log and files. It sees /usr and similar directories, read-only, and a copy of the
 * world-readable part of /etc. The control groups limit memory and processes. A system-call filter refuses sockets
 * that ignore namespaces (confine.ts).
 */

/**
 * Root of a lab is this uid of the machine, its user N is this uid + N. The range lies above systemd's for
 * containers.
 */
export const LAB_IDS = { first: 0x7000_0000, count: 0x1_0000 } as const;

/** minidock is below /run, since /usr belongs to the machine. */
export const LAB_PATH = '/run/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Arguments: the lab's directory, then the directories of its control groups. */
export const KEEPER = `
dir=$1; shift
status=0
# Reached steps arrive through a pipe, one name a line: a file that the lab may write it
# can make as large as the disk.
mkfifo -m 666 "$dir/reached"
# As long as this end is open it does not end.
exec {reached}<>"$dir/reached"
# The recorder reads a bounded number of bytes a second, within the lab's limits, however much the lab writes.
# An open end of the second pipe, its standard output, says that the recorder is there.
exec {recorded}< <(
  for group in "$@"; do echo 0 >"$group/recorder/cgroup.procs"; done
  exec setpriv --pdeathsig KILL bash -uc '
    exec {pause}<> <(:)
    while words=$(dd bs=8k count=1 status=none | LC_ALL=C tr -c "[:alnum:]-" " "); [ -n "$words" ]; do
      for step in $words; do
        case "$STEPS" in *" $step "*) ;; *) continue ;; esac
        STEPS=\${STEPS/" $step "/ }
        grep -q "^$LESSON $step " "$PROGRESS" || echo "$LESSON $step $(date -u +%FT%TZ)" >>"$PROGRESS"
      done
      read -r -t 0.1 -u "$pause"
    done' <"$dir/reached" {reached}>&- 2>/dev/null
)
recorder=$!
(
  exec {reached}>&- {recorded}<&-
  for group in "$@"; do echo 0 >"$group/host/cgroup.procs"; done
  # The lab dies with this process.
  exec setpriv --pdeathsig KILL "$MINIDOCK" __confine unshare --mount --propagation slave bash -euc '
    # In a chroot the kernel lets nobody make a user namespace. So what is "/" here becomes so in earnest: entering a
    # mount namespace, were it the same, leads out of any chroot.
    mount --rbind / /tmp
    exec nsenter --mount=/proc/self/ns/mnt --wd=/tmp bash -euc "pivot_root . .; umount -l .; exec bash \\"\\$DIR/stage.sh\\""'
) || status=$?
exec {reached}>&-
# Record what has arrived, for at most two seconds: the lab could keep the pipe busy for ever.
read -r -t 2 -u "$recorded"
kill -KILL "$recorder" 2>/dev/null
# All processes died with their PID 1, but a group is free only once the last is reaped.
for group in "$@"; do
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    # The lab may have stopped a process that was entering and is not in the PID namespace yet: kill it.
    if [ "$attempt" -gt 5 ]; then find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null | xargs -r kill -KILL || :; fi
    find "$group" -depth -type d -exec rmdir {} \\; 2>/dev/null || :
    if [ ! -e "$group" ]; then break; fi
    sleep 0.05
  done
  # Fails while other labs run.
  rmdir "$(dirname "$group")" 2>/dev/null || :
done
rm -rf "$dir"
# This file tells the sessions with a shell in this lab to open one in the new lab.
if [ "$status" = 42 ]; then : >"$dir.reset"; fi
`;

/** Reads DIR, MINIDOCK, PROGRESS and IDS from its environment. */
export const STAGE = `
set -eu
# A user namespace needs a process: an orphan holds it until the lab's own process is there.
exec {made}< <( (exec unshare --user sh -c 'echo $$; exec sleep 60') & )
read -r HOLDER <&"$made"
exec {made}<&-
trap 'kill "$HOLDER"' EXIT
export HOLDER
# 0, 1, 2 ... of the namespace are these ids of the machine.
echo "0 $IDS" >/proc/$HOLDER/uid_map
echo "0 $IDS" >/proc/$HOLDER/gid_map

cd "$DIR"
mount -t tmpfs -o mode=755,size=64k lab mnt
mkdir mnt/root
for pair in "enter.sh=$DIR/enter.sh" "host.sh=$DIR/host.sh" "setup.sh=$DIR/setup.sh" "reached=$DIR/reached" "progress=$PROGRESS" "minidock=$MINIDOCK"; do
  touch "mnt/\${pair%%=*}"
  mount --bind "\${pair#*=}" "mnt/\${pair%%=*}"
done
# /tmp exists everywhere, every user may enter it, and the lab does not need it.
mount --rbind mnt /tmp
cd /
exec nsenter --user=/proc/$HOLDER/ns/user --setuid 0 --setgid 0 bash /tmp/enter.sh
`;

/** The lab's root, with nothing of the lab there yet. Reads HOLDER and GROUPS_AT. */
export const ENTER = `
set -eu
kill "$HOLDER"
# A change of user clears the parent-death signal, so it is set afterwards.
exec setpriv --pdeathsig KILL unshare --cgroup bash -euc '
  # The namespace shows the group it was made in as the root. One of version 2 either holds processes or divides among
  # groups below, and minidock wants to do the latter.
  while read -r _ group; do
    if [ -d "$group/host/shells" ]; then echo 0 >"$group/host/shells/cgroup.procs"; fi
  done <<<"$GROUPS_AT"
  exec unshare --mount --net --pid --uts --ipc --fork --kill-child bash /tmp/host.sh'
`;

/** Reads LESSON, BOUND, RC and GROUPS_AT (`mount group` pairs, a line each) from its environment. */
export const HOST = `
set -eu
umask 022
setup=$(cat /tmp/setup.sh)
cd /tmp/root
mount -t tmpfs -o mode=755,nodev,size=2g lab .
cd /tmp/root
mkdir -p proc sys dev run tmp mnt home srv media root var/cache var/lib var/log var/tmp
chmod 1777 tmp var/tmp
chmod 700 root
ln -s /run var/run

# Programs and libraries, read-only. They belong to the machine's root, which is \`nobody\` in here.
for part in /bin /sbin /lib /lib32 /lib64 /libx32 /usr /opt /nix/store /gnu/store; do
  if [ -L "$part" ]; then
    cp -P "$part" ".$part"
  elif [ -d "$part" ]; then
    mkdir -p ".$part"
    mount --rbind "$part" ".$part"
    # The kernel lets nobody clear the flags of such a mount in here, so the remount repeats them.
    findmnt --submounts --noheadings --raw --output TARGET,VFS-OPTIONS "$PWD$part" | while read -r target flags; do
      # findmnt writes blanks as \\x20.
      mount -o "remount,bind,ro,\${flags#r?,}" "$(printf %b "$target")"
    done
  fi
done
# A copy that the learner may change, without the files that only the machine's root may read.
cp --recursive --preserve=mode,timestamps,links /etc . 2>/dev/null || :

mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
mkdir -m 755 run/netns run/lab
mount --bind run/netns run/netns
mount --make-shared run/netns

# Only the machine's root may create device nodes, so bind the existing ones.
mount -t tmpfs -o mode=755,nosuid tmpfs dev
mkdir dev/pts dev/mqueue dev/shm dev/net
for name in null zero full random urandom tty net/tun; do
  [ -c "/dev/$name" ] || continue
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t mqueue mqueue dev/mqueue
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
  ln -s "/proc/self/$(echo "$link" | cut -d: -f2)" "dev/$(echo "$link" | cut -d: -f1)"
done

mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
first=1
while read -r mount group; do
  [ -n "$mount" ] || continue
  case $mount in
    /sys/fs/cgroup) mount --bind "$group/host" sys/fs/cgroup ;;
    *)
      if [ "$first" = 1 ]; then mount -t tmpfs -o mode=755,nosuid,nodev cgroup sys/fs/cgroup; first=0; fi
      mkdir -p ".$mount"
      mount --bind "$group/host" ".$mount"
      ;;
  esac
done <<GROUPS_END
$GROUPS_AT
GROUPS_END

# A read-only tmpfs with two exceptions: the file \`state\`, and the pipe for reached steps.
mount -t tmpfs -o mode=755,size=1m tmpfs run/lab
mkdir run/lab/bin run/lab/sys run/lab/proc
# A user namespace may mount these two where it can see another one already (mount_too_revealing() in the kernel): "ip
# netns exec" takes /sys away before it mounts its own, and people do so with /proc.
mount -t sysfs -o nosuid,nodev,noexec sysfs run/lab/sys
mount -t proc -o nosuid,nodev,noexec proc run/lab/proc
printf '%s\\n' "$LESSON" >run/lab/lesson
printf '%s' "$RC" >run/lab/rc
for pair in progress=progress reached=reached minidock=bin/minidock; do
  touch "run/lab/\${pair#*=}"
  mount --bind "/tmp/\${pair%%=*}" "run/lab/\${pair#*=}"
done
# Where there is no ping, busybox has one.
if [ ! -x "$(command -v ping || :)" ]; then
  printf '#!/bin/sh\\nexec busybox ping "$@"\\n' >run/lab/bin/ping
  chmod 755 run/lab/bin/ping
fi
touch run/lab/state
mount --bind run/lab/state run/lab/state
mount -o remount,bind,ro run/lab

hostname lab
pivot_root . .
umount -l .
cd /root

echo 0 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
ip netns add outside
ip link add eth0 type veth peer name eth0 netns outside
ip address add 203.0.113.2/24 dev eth0
ip link set eth0 up
ip netns exec outside ip -batch - <<'BATCH'
link set lo up
address add 198.51.100.7/32 dev lo
address add 203.0.113.1/24 dev eth0
link set eth0 up
BATCH
ip route add default via 203.0.113.1

export HOME=/root PATH=${LAB_PATH} MINIDOCK_LAB="$LESSON"
unset DIR PROGRESS STEPS GROUPS_AT MINIDOCK RC LESSON HOLDER IDS
exec bash -c '
  trap "exit 0" TERM
  trap "exit 42" USR1
  # Not an argument of PID 1: "ps" would show how a puzzle was broken.
  setup=$(cat <&4)
  exec 4<&-
  # Our standard error is a file of the machine. No process of the lab may keep it: it could fill the disk.
  exec 5<>/run/setup
  rm /run/setup
  bash -euo pipefail -c "$setup" >&5 2>&5 </dev/null || { cat /proc/self/fd/5 >&2; exit 1; }
  exec 5<&-
  unset setup
  echo ready
  if [ "$BOUND" = yes ]; then exec 3<&0; else exec 3<> <(:); fi
  exec >/dev/null 2>&1 </dev/null
  # Orphans become our children; bash reaps them while it waits for input that never comes.
  while read -r -u 3 || [ "$BOUND" != yes ]; do :; done
' lab 4< <(printf '%s' "$setup")
`;

/** What the learner's shell reads first. */
export const RC = `
[ -r /etc/bash.bashrc ] && . /etc/bash.bashrc
PS1='\\[\\e[1;36m\\]lab:'"$MINIDOCK_LAB"'\\[\\e[0m\\]:\\w# '
case \${TERM-dumb} in dumb) PS1="lab:$MINIDOCK_LAB:\\w# " ;; esac
HISTFILE=
lab() { minidock lab "$@"; }
for word in status check hint show next reset end; do eval "$word() { lab $word \"\$@\"; }"; done
unset word
`;
