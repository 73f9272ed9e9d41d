# Sourced by the scripts that start tests: `own_root SCRIPT ARGUMENT...` returns at once outside of a chroot.
#
# A process that enters a mount namespace made in a chroot arrives outside of the chroot, at the namespace's own root.
# Tests do that often, so this script makes the chroot's directory that root (as runtime/process/own-root.ts does for
# containers), in a new mount namespace, and starts again there.
# shellcheck shell=bash
own_root() {
  local root namespace_root
  root=$(stat -c %d:%i /)
  namespace_root=$(nsenter --mount=/proc/self/ns/mnt --wd=/ stat -c %d:%i / 2>/dev/null || echo "$root") # not root, or not allowed to
  if [ "$namespace_root" = "$root" ] || [ -n "${MINIDOCK_TEST_ROOT-}" ]; then return; fi
  MINIDOCK_TEST_ROOT=own exec unshare --mount --propagation slave bash -euc '
    nsenter --mount=/proc/self/ns/mnt --wd=/ sh -c "mount --make-rslave / && pivot_root . ./mnt && umount -l /mnt"
    exec "$@"' bash "$@"
}
