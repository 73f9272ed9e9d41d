# What a printed script does its host's steps with: bash 5 and coreutils. script.ts puts it into the script from the
# first empty line on, with the words of a tool that found nothing to undo in place of @GONE@. The script sets $go (the
# pipe to the container, empty before there is one) and $box (its own directory).
# shellcheck shell=bash disable=SC2034,SC2154

# Without the control characters that a name out of the image may hold.
tell() {
  local LC_ALL=C
  echo "$0: ${1//[^ -~]/?}" >&2
}

fail() {
  tell "$1"
  exit 125
}

# What has been done so far, last first, as commands that take it back. Each is noted before its step is done: a
# signal may come in between, and to undo what has not happened does no harm.
undo=()
undo_later() { undo=("$1" "${undo[@]}"); }

# Always runs, however the script ends. What is gone already needs no undoing.
undo_all() {
  local command complaint
  trap '' HUP INT TERM
  set +e
  # Its end of file is the word to end for a container that is still being built.
  [[ -z $go ]] || exec {go}>&-
  for command in "${undo[@]}"; do
    eval "$command" &>"$box/complaint" && continue
    complaint=$(<"$box/complaint")
    [[ $complaint =~ @GONE@ ]] || tell "could not undo: $command: $complaint"
  done
  cd /
  rm -rf "$box"
}

# A control group can be removed once its last process has been.
remove_group() {
  local attempt
  for ((attempt = 0; attempt < 500; attempt++)); do
    rmdir "$1" 2>/dev/null && return 0
    [[ -e $1 ]] || return 0
    sleep 0.01
  done
  rmdir "$1"
}

# Whether FILE is there with TEXT in it. Not grep, for which a line end in TEXT would part two patterns.
holds() { # FILE TEXT
  [[ -e $1 && "$(<"$1")"$'\n' == *"$2"* ]]
}

# Both ends of a pipe: $in and $out.
make_pipe() {
  local both
  mkfifo pipe
  exec {both}<>pipe
  exec {in}<pipe
  exec {out}>pipe {both}>&-
  rm pipe
}
