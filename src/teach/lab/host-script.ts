/**
 * The two shell scripts that make a lab's host, of util-linux and iproute2 alone, so that they can be read as a lesson
 * themselves.
 *
 *   KEEPER  stays on the machine: joins the lab's control groups, starts HOST in namespaces of its own, and takes
 *           away what is left when its PID 1 is gone, for whatever reason. Status 42: a new one is wanted.
 *   HOST    PID 1 of the lab: builds the root file system, devices and network, gives up what reaches the machine,
 *           runs the lesson's setup, says `ready`, and reaps whatever is orphaned until it is told to go
 *           (or, BOUND to whoever made it, until that ends and with it the pipe that is its standard input).
 *
 *   outside                                       the lab's host
 *   lo   198.51.100.7/32 ("the internet")         eth0 203.0.113.2/24, default via 203.0.113.1
 *   eth0 203.0.113.1/24  <-------- veth ------->
 *
 * What keeps a learner's mistakes from the machine: the root file system is an overlay whose upper layer is a tmpfs, so
 * nothing written reaches the disk; other file systems of the machine, its /run and its devices are not there; the
 * control group lets only harmless devices be opened (a node of the disk may be made, as in any container, and is of
 * no use) and bounds memory and processes; of /proc/sys only net can be written; and the capabilities below are gone.
 *
 * It is no prison. Containers need CAP_SYS_ADMIN to mount, and there are file systems of which the machine has only
 * one: whoever mounts devtmpfs has the machine's own /dev, and removes it with "rm -r"; a /proc of one's own has all of
 * /proc/sys. The lab's `mount` refuses the former kind, which a program that calls mount(2) itself does not ask.
 */

/** Each with what it would reach beyond the lab. CAP_MKNOD goes too where no control group guards the devices. */
export const DROPPED_CAPABILITIES: Readonly<Record<string, string>> = {
  sys_boot: 'reboots the machine, or loads another kernel',
  sys_module: 'loads code into the kernel that everyone shares',
  sys_time: 'sets the clock, of which there is one',
  sys_rawio: 'ports, physical memory, commands to the disks',
  syslog: 'reads and clears the log of the kernel that everyone shares',
  sys_pacct: 'turns on the accounting of all processes',
  sys_tty_config: "the machine's own consoles",
  sys_nice: 'a real-time loop would take the processors from everyone',
  dac_read_search: 'open_by_handle_at(2) opens files of the disk past the overlay',
  linux_immutable: 'flags that root itself cannot remove again without it',
  mac_admin: "the machine's security policy",
  mac_override: "the machine's security policy",
  audit_control: "the machine's audit log",
  wake_alarm: 'wakes the machine from sleep',
  block_suspend: 'keeps the machine from sleep',
};

/** Arguments: the lab's directory, and those of its control groups. */
export const KEEPER = `
dir=$1; shift
status=0
(
  for group in "$@"; do echo 0 >"$group/host/cgroup.procs"; done
  # Whoever kills this process has killed the lab.
  exec setpriv --pdeathsig KILL unshare --mount --net --pid --uts --ipc --cgroup --fork --kill-child --propagation private \\
    bash "$dir/host.sh"
) || status=$?
# All processes are dead with their PID 1, but a group is freed only when the last has been buried.
for group in "$@"; do
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    find "$group" -depth -type d -exec rmdir {} \\; 2>/dev/null || :
    if [ ! -e "$group" ]; then break; fi
    sleep 0.05
  done
  # Others may have a lab running, and then this is not empty.
  rmdir "$(dirname "$group")" 2>/dev/null || :
done
rm -rf "$dir"
# Whoever has a shell open in there waits for its end, and opens another in a new one if this is here.
if [ "$status" = 42 ]; then : >"$dir.reset"; fi
`;

/** Reads DIR, LESSON, MINIDOCK, PROGRESS, DROP, BOUND and GROUPS_AT (`mount group` pairs, a line each) from its environment. */
export const HOST = `
set -eu
umask 022
cd "$DIR/mnt"
mount -t tmpfs -o mode=755,nodev,size=2g lab "$DIR/mnt"
cd "$DIR/mnt"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work,nodev lab root
# An overlay holds one file system. What of the system's own directories is another gets an overlay of its own.
for part in /usr /usr/local /var /opt /home /root /etc /srv; do
  mountpoint -q "$part" || continue
  name=$(echo "$part" | tr / -)
  mkdir "upper$name" "work$name"
  mount -t overlay -o "lowerdir=$part,upperdir=upper$name,workdir=work$name,nodev" lab "root$part"
done
cd root
mkdir -p proc sys dev run tmp var/lib/minidock usr/local/bin

mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
# An overlay cannot have its upper layer on an overlay: minidock's containers need something else to lie on.
mount -t tmpfs -o mode=700 tmpfs var/lib/minidock
mkdir -m 755 run/netns run/lab
mount --bind run/netns run/netns
mount --make-shared run/netns
touch usr/local/bin/minidock
mount --bind "$MINIDOCK" usr/local/bin/minidock
mount -o remount,bind,ro usr/local/bin/minidock

cat >usr/local/bin/mount <<'MOUNT'
#!/bin/sh
# One instance serves the whole machine: what is changed or removed in it is so for everyone.
for word in "$@"; do
  case ,$word, in *,devtmpfs,* | *,debugfs,* | *,tracefs,* | *,efivarfs,* | *,configfs,* | *,securityfs,* | *,pstore,* | *,bpf,* | *,fusectl,* | *,binfmt_misc,* | *=devtmpfs,* | *,-tdevtmpfs,*)
    echo "mount: $word: the machine has only one of these, so the lab does not let it in" >&2
    exit 1 ;;
  esac
done
exec /usr/bin/mount "$@"
MOUNT
chmod 755 usr/local/bin/mount

mount -t tmpfs -o mode=755,nosuid tmpfs dev
while read -r name numbers; do
  mknod -m 666 "dev/$name" c $numbers
done <<'NODES'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
NODES
mkdir dev/pts dev/mqueue dev/shm dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t mqueue mqueue dev/mqueue
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
  ln -s "/proc/self/$(echo "$link" | cut -d: -f2)" "dev/$(echo "$link" | cut -d: -f1)"
done

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
# Of the network's devices the settings may be changed: they are those of this network namespace.
mount --bind sys/devices/virtual/net sys/devices/virtual/net
# Of the mount, not of the file system: that is one for all mounts of this network namespace.
mount -o remount,bind,ro sys

mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys/net mnt
for name in sys sysrq-trigger irq bus fs acpi scsi; do
  [ -e "proc/$name" ] || continue
  mount --bind "proc/$name" "proc/$name"
  mount -o remount,bind,ro "proc/$name"
done
mount --move mnt proc/sys/net

# A tmpfs that cannot be written, and on it the only two files that lead out: what was reached, and how far we are.
mount -t tmpfs -o mode=755,size=64k tmpfs run/lab
printf '%s\\n' "$LESSON" >run/lab/lesson
touch run/lab/progress run/lab/state
printf '%s' "$RC" >run/lab/rc
mount --bind "$PROGRESS" run/lab/progress
mount --bind "$DIR/state" run/lab/state
mount -o remount,bind,ro run/lab

hostname lab
if [ -e "sys/fs/cgroup/cgroup.subtree_control" ]; then
  # A group of version 2 either holds processes or divides among groups below: minidock wants to do the latter.
  mkdir -p sys/fs/cgroup/shells
  echo 0 >sys/fs/cgroup/shells/cgroup.procs
fi
setup=$(cat "$DIR/setup.sh")
pivot_root . .
umount -l .
cd /root 2>/dev/null || cd /

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

export HOME=/root MINIDOCK_LAB="$LESSON"
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset DIR PROGRESS GROUPS_AT MINIDOCK RC LESSON
DROP_WORDS=$DROP
unset DROP
exec setpriv --inh-caps=-all --bounding-set="$DROP_WORDS" bash -c '
  trap "exit 0" TERM
  trap "exit 42" USR1
  # Not an argument of PID 1: "ps" would show how a puzzle was broken.
  setup=$(cat <&4)
  exec 4<&-
  bash -euo pipefail -c "$setup" >&2 </dev/null || exit 1
  unset setup
  echo ready
  if [ "$BOUND" = yes ]; then exec 3<&0; else exec 3<> <(:); fi
  exec >&2 </dev/null
  # A child that was orphaned is ours; bash buries it while it waits for what never comes.
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
