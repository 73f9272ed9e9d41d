# Sourced by what starts tests: `own_root SCRIPT ARGUMENT...`, which returns at once where nothing is to be done.
#
# In a chroot, whoever enters a mount namespace made there arrives outside of the chroot, at the namespace's own root.
# Tests do that a lot, so for them the chroot's directory becomes that root (as runtime/process/own-root.ts does for
# containers), in a mount namespace of their own, where the script begins anew.
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
