# Sourced by the scripts of test/vm: how they check, and a network namespace that plays the world outside.
# They print `ok NAME`, `not ok NAME` or `skip NAME :: REASON`, and what went wrong as lines that begin with `#`.
# shellcheck shell=bash

# The uplink uses addresses meant for documentation.
ip netns add world
ip link add uplink type veth peer name eth0 netns world
ip address add 203.0.113.1/24 dev uplink
ip link set uplink up
ip netns exec world ip address add 203.0.113.2/24 dev eth0
ip netns exec world ip link set eth0 up
ip netns exec world ip link set lo up

said=/tmp/said
# check NAME COMMAND...: ok if the command succeeds.
check() {
  local name=$1
  shift
  if "$@" >"$said" 2>&1; then echo "ok $name"; else echo "not ok $name"; sed 's/^/# /' "$said" | tail -n 15; fi
}
# prints NAME TEXT COMMAND...: ok if the command's output is the text exactly.
prints() {
  local name=$1 text=$2 output
  shift 2
  output=$("$@" 2>&1)
  if [ "$output" = "$text" ]; then echo "ok $name"; else
    echo "not ok $name"; printf '%s\n' "wanted: $text" "got: $output" | sed 's/^/# /'
  fi
}
status_is() {
  local wanted=$1 status
  shift
  "$@"; status=$?
  [ "$status" = "$wanted" ] || { echo "exit status $status, not $wanted"; false; }
}
eventually() { for _ in $(seq 50); do "$@" && return; sleep 0.1; done; false; }
# page ADDRESS [COMMAND...]: fetches it, from here or through `ip netns exec world`.
page() { "${@:2}" curl -s -m 5 --fail "http://$1/" | grep -q 'a page from the container'; }
run() { minidock run --rm box "$@"; }
