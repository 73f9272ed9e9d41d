# Which program comes out of which Debian package, and how a missing one is installed. Sourced by quickstart and test.
#
# A tool is looked for by its program, not its package, since a machine may have it from elsewhere (Node above all).
# shellcheck shell=bash disable=SC2034

# PROGRAM PACKAGE, a pair a line; a path stands for a file of any kind.
run_tools='
ip iproute2
nft nftables
iptables iptables
nsenter util-linux
unshare util-linux
mount mount
sysctl procps
modprobe kmod
update-ca-certificates ca-certificates
'
build_tools='
node nodejs
npm npm
git git
'
demo_tools='
busybox busybox-static
curl curl
'
test_tools='
busybox busybox-static
curl curl
docker-registry docker-registry
mmdebstrap mmdebstrap
skopeo skopeo
umoci umoci
xz xz-utils
bzip2 bzip2
zstd zstd
openssl openssl
ping iputils-ping
lsattr e2fsprogs
jq jq
script bsdutils
tmux tmux
shellcheck shellcheck
strace strace
dpkg-deb dpkg
flock util-linux
/usr/bin/tini-static tini
/usr/include/linux/capability.h linux-libc-dev
'
# What a few tests need, which are skipped one by one where it is missing.
test_more_tools='
dot graphviz
chromium chromium
python3 python3
zsh zsh
fish fish
qemu-aarch64 qemu-user
/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 libc6-arm64-cross
'
vm_tools='
qemu-system-x86_64 qemu-system-x86
mmdebstrap mmdebstrap
mke2fs e2fsprogs
depmod kmod
qemu-aarch64 qemu-user
/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 libc6-arm64-cross
'

bench_tools='
busybox busybox-static
docker-registry docker-registry
mmdebstrap mmdebstrap
skopeo skopeo
'
bench_more_tools='
wrk wrk
dnsperf dnsperf
dnsmasq dnsmasq-base
docker docker-cli
dockerd docker.io
podman podman
/usr/lib/podman/aardvark-dns aardvark-dns
runc runc
'

# packages_missing LIST: the packages of the list's programs that are not there, each once.
packages_missing() {
  local program package
  while read -r program package; do
    [ -n "$program" ] || continue
    # busybox: the shared one does not start in an empty root file system.
    if [ "$program" = busybox ] && have_static_busybox; then continue; fi
    if [ "${program#/}" != "$program" ] && [ -e "$program" ]; then continue; fi
    if [ "$program" != busybox ] && PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null; then continue; fi
    echo "$package"
  done <<<"$1" | sort -u
}

have_static_busybox() {
  local busybox
  busybox=$(command -v busybox) && ! LC_ALL=C ldd "$busybox" >/dev/null 2>&1
}

# install_missing LIST...: installs what is missing with apt, or says what is and fails. Prints only what it does.
install_missing() {
  local list missing=()
  mapfile -t missing < <(for list in "$@"; do packages_missing "$list"; done | sort -u)
  [ "${#missing[@]}" -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "These are missing here (names as in Debian): ${missing[*]}" >&2
    echo "Install them with your distribution's package manager, then run this again." >&2
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    echo "Missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "Installing: ${missing[*]}"
  apt_install "${missing[@]}" && return
  # A list of packages from another day names files that the mirrors no longer have.
  apt-get update -q >/dev/null && apt_install "${missing[@]}" && return
  echo "apt-get could not install ${missing[*]}; the end of what it said:" >&2
  tail -n 15 "$apt_log" >&2
  return 1
}

apt_log=${TMPDIR:-/tmp}/minidock-apt.$$.log
apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$apt_log" 2>&1 </dev/null &&
    rm -f "$apt_log"
}

# require_node: Node 20.19 or later; an older one cannot run the build.
require_node() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || {
    echo "Node $(node --version) is too old: 20.19 or later is needed (Debian 13's own will do)." >&2
    return 1
  }
}

# install_modules: npm ci, unless node_modules is what package-lock.json asks for already.
install_modules() {
  if ! node scripts/modules-installed.js; then
    echo 'Installing the libraries (npm ci)'
    # Nothing here needs an install script, so none gets to run.
    local log
    log=$(npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null 2>&1) || { echo "$log" >&2; return 1; }
  fi
}
