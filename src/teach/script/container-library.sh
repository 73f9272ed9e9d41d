# What process 1 of a printed script does the container's steps with: what system calls with descriptors do in minidock,
# done with a shell and names. script.ts puts it into the script from the first empty line on, after host-library.sh.
# shellcheck shell=bash disable=SC2034,SC2154

# Where the container's PATH is in the tree being built, as a path from here; what is missing is made. A link in the
# image is followed as it will be from inside, with rootfs as its "/": followed by the host, it would lead into the
# host's files. KIND is what the last component is made as: dir, file, or there for "fail if it is missing".
place() { # KIND PATH
  local kind=$1 todo=$2/ at='' name target links=0
  while [[ -n $todo ]]; do
    name=${todo%%/*} todo=${todo#*/}
    case $name in
      '' | .) continue ;;
      ..) at=${at%/*} && continue ;;
      # $(place ...) would take it away, and name a file that nobody has looked at.
      *$'\n') fail "$2: a name in it ends with a line end" ;;
    esac
    if [[ -L rootfs$at/$name ]]; then
      ((++links <= 40)) || fail "$2: too many levels of symbolic links"
      target=$(readlink "rootfs$at/$name")
      [[ $target != /* ]] || at=
      todo=$target/$todo
      continue
    fi
    if [[ ! -e rootfs$at/$name ]]; then
      not_of_the_kernel "rootfs$at" "$2"
      case $kind:${todo//\//} in
        there:*) return 1 ;;
        file:) : >"rootfs$at/$name" ;;
        *) mkdir "rootfs$at/$name" ;;
      esac
    fi
    at+=/$name
  done
  # A place in /sys that is spelt out is meant (a cgroup hierarchy); one that a link or a ".." leads to is not.
  if [[ $kind != cwd && ( $2 != /sys/* || $at != "$2" ) ]]; then
    [[ -n $at ]] || fail "$2 cannot be mounted on because it is the container's root"
    not_of_the_kernel "rootfs$at" "$2"
  fi
  printf '%s\n' "rootfs$at"
}

# A link in the image may lead into /proc or another file system of the kernel's. What is there is not to be covered,
# and what is made there is a setting of the host (CVE-2019-19921, CVE-2025-52881).
not_of_the_kernel() { # FILE PATH
  local type
  type=$(stat --file-system --format=%T "$1") || fail "$1 cannot be looked at"
  case $2 in
    /proc/cpuinfo | /proc/diskstats | /proc/loadavg | /proc/meminfo | /proc/slabinfo | /proc/stat | /proc/swaps | \
      /proc/uptime) return 0 ;;
  esac
  case $type in
    proc | sysfs | cgroup*fs | devpts | mqueue | debugfs | tracefs | securityfs | selinux | bpf_fs | nsfs | \
      configfs | efivarfs | binfmt_misc)
      fail "$2 cannot be mounted on because it is inside a file system of the kernel's ($type)"
      ;;
  esac
}

# A device node in a directory that the host shares would be there for every user of the host.
not_shared() { # DIRECTORY PATH
  local own
  for own in rootfs rootfs/dev rootfs/sys/fs/cgroup; do
    [[ $(stat --format=%d "$1") != "$(stat --format=%d "$own")" ]] || return 0
  done
  fail "$2 cannot be made: a directory of the host or a volume is mounted there"
}

# Mounts the container's null device on FILE. A /dev from a volume may hold anything under that name (CVE-2025-31133);
# one from the host is lent, so that its mode and owner are not the container's to change.
hide() { # FILE
  local null
  null=$(place there /dev/null) || fail "there is no /dev/null in the container"
  [[ $(stat --format=%t:%T "$null") == 1:3 ]] || fail "/dev/null in the container is not the null device"
  mount --bind "$null" "$1"
  [[ ! $null -ef /dev/null ]] || mount -o remount,bind,ro "$1"
}

kind_of() { if [[ -d $1 ]]; then echo dir; else echo file; fi; }

# Who USER[:GROUP] is by the image's own files, as uid, gid, groups (the first one and GROUPs besides) and home.
find_user() { # USER[:GROUP] [GROUP...]
  local user=${1%%:*} own='' login='' name number main members directory wanted
  [[ $1 != *:* ]] || own=${1#*:}
  user=${user:-0} uid='' gid=0 home=/
  while IFS=: read -r name _ number main _ directory _ || [[ -n $name ]]; do
    if [[ $name == "$user" || $number == "$user" ]]; then
      login=$name uid=$number gid=$main home=${directory:-/}
      break
    fi
  done < <(user_file passwd)
  if [[ -z $uid ]]; then
    [[ $user =~ ^[0-9]+$ ]] || fail "unable to find user $user: no matching entries in passwd file"
    uid=$user
  fi
  [[ -z $own ]] || gid=$(find_group "$own")
  groups=$gid
  while IFS=: read -r _ _ number members || [[ -n $number ]]; do
    [[ -z $own && -n $login && ,$members, == *,$login,* ]] || continue
    [[ ,$groups, == *,$number,* ]] || groups+=,$number
  done < <(user_file group)
  for wanted in "${@:2}"; do
    number=$(find_group "$wanted")
    [[ ,$groups, == *,$number,* ]] || groups+=,$number
  done
}

find_group() { # GROUP
  local name number
  while IFS=: read -r name _ number _ || [[ -n $name ]]; do
    if [[ $name == "$1" || $number == "$1" ]]; then
      echo "$number"
      return
    fi
  done < <(user_file group)
  [[ $1 =~ ^[0-9]+$ ]] || fail "unable to find group $1: no matching entries in group file"
  echo "$1"
}

# The image's /etc/NAME, nothing if it is missing or something else than a file. An image may have one of any size, in
# lines of any length: the first megabytes are enough of it.
user_file() { # NAME
  local file
  if file=$(place there "/etc/$1") && [[ -f $file ]]; then head -c 4M "$file" | cut -b -65536; fi
}

# The last thing of ours in process 1. It runs as the container's user, with the container's capabilities, and has
# no tool left once the root is another: so it does nothing but wait for that, and then exec, which needs none.
become() { # [NAME=VALUE...] -- PROGRAM [ARG...]
  echo ready >&3
  read -r <&4 || exit 125
  # An open directory of the host's would be a way out of the container (CVE-2024-21626): so nothing stays open but
  # 0, 1 and 2, and the directory this process is in must be one below its root.
  local fd
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    ((fd <= 2)) || exec {fd}>&-
  done
  [[ $(pwd -P) == /* ]] || exit 125
  # Names that would have meant something to this shell or its loader, and come only now for that reason.
  while [[ $1 != -- ]]; do
    export "${1?}"
    shift
  done
  shift
  umask 022
  # bash exports SHLVL, PWD and OLDPWD of its own accord; by exec it would write SHLVL anew, here into an array.
  # shellcheck disable=SC2034
  depth=(0)
  unset -v SHLVL PWD OLDPWD
  declare -gn SHLVL='depth[0]'
  exec -- "$@"
}
