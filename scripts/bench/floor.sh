#!/usr/bin/env bash
# scripts/bench/floor.sh: a container by hand, one plain command a step, with no state kept and nothing checked. What
# this takes is the floor for any runtime that does the same steps through the same tools.
#
#   floor.sh prepare                                     the bridge, forwarding and a firewall table, once
#   floor.sh run ROOTFS WORK [-p HOST:INNER] COMMAND...  one container, and all of it undone
#   floor.sh remove
#
# Run in a network and a mount namespace of its own. One thing is not as one would type it first: the veth's inner
# end is created where it belongs, since moving it there afterwards waits for the kernel (an RCU grace period).
set -euo pipefail

bridge=floor0 subnet=10.99.0 table=floor

prepare() {
  ip link add name $bridge type bridge
  ip address add $subnet.1/16 dev $bridge
  ip link set $bridge up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  nft -f - <<NFT
table ip $table {
  map ports { type inet_service : ipv4_addr . inet_service; }
  chain prerouting { type nat hook prerouting priority dstnat; fib daddr type local dnat ip to tcp dport map @ports; }
  chain output { type nat hook output priority dstnat; fib daddr type local dnat ip to tcp dport map @ports; }
  chain postrouting { type nat hook postrouting priority srcnat; ip saddr $subnet.0/16 oifname != "$bridge" masquerade; }
}
NFT
}

run() {
  local rootfs=$1 work=$2 port='' name=floor-$$
  shift 2
  if [ "$1" = -p ]; then port=$2; shift 2; fi
  mkdir -p "$work/upper" "$work/work" "$work/merged"

  ip netns add $name
  ip link add $name type veth peer name eth0 netns $name
  ip link set $name master $bridge
  ip link set $name up
  ip -n $name link set lo up
  ip -n $name address add $subnet.2/16 dev eth0
  ip -n $name link set eth0 up
  ip -n $name route add default via $subnet.1
  if [ -n "$port" ]; then
    nft add element ip $table ports "{ ${port%:*} : $subnet.2 . ${port#*:} }"
  fi

  local status=0
  # shellcheck disable=SC2016 # the inner shell expands it
  nsenter --net=/run/netns/$name unshare --mount --uts --ipc --pid --fork sh -euc '
    rootfs=$1 work=$2; shift 2
    mount -t overlay overlay -o "lowerdir=$rootfs,upperdir=$work/upper,workdir=$work/work" "$work/merged"
    mount -t proc proc "$work/merged/proc"
    mount -t sysfs -o ro sysfs "$work/merged/sys"
    mount -t tmpfs -o mode=755 tmpfs "$work/merged/dev"
    exec chroot "$work/merged" "$@"' sh "$rootfs" "$work" "$@" || status=$?

  if [ -n "$port" ]; then nft delete element ip $table ports "{ ${port%:*} }"; fi
  ip netns delete $name
  rm -rf "$work"
  return $status
}

remove() {
  ip link delete $bridge
  nft delete table ip $table
}

command=$1
shift
"$command" "$@"
