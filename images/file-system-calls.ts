/**
 * The system calls that unpacking a layer needs and node:fs does not have. src/ hands them in (the implementation is
 * runtime/syscall), so that images/ stays readable, and testable, without libc.
 * Each throws an Error with a `code` such as 'EPERM' on failure, like node:fs.
 */
export interface FileSystemCalls {
  /** In a user namespace the kernel lets nobody make devices or set `trusted.*`; overlayfs has `user.overlay.*` there. */
  readonly inUserNamespace: boolean;
  /** mknod(2) for 'c', 'b' and 'p' (FIFO). `mode` is permission bits only. */
  mknod(path: string, type: 'c' | 'b' | 'p', mode: number, major: number, minor: number): void;
  /** lsetxattr(2): on the link itself, never its target. */
  setXattr(path: string, name: string, value: Uint8Array): void;
  /** llistxattr(2) and lgetxattr(2), for tests and for layers written back to an archive. */
  getXattrs(path: string): ReadonlyMap<string, Uint8Array>;
  /** utimensat(2) with AT_SYMLINK_NOFOLLOW, nanoseconds. */
  setTimes(path: string, atimeNs: bigint, mtimeNs: bigint): void;
  /** lseek(2) with SEEK_DATA and SEEK_HOLE: the next part at or behind `from` that is no hole; undefined at the end. */
  nextData(fd: number, from: number): { readonly start: number; readonly end: number } | undefined;
  /** chroot(2) and chdir("/"): from then on no path can leave the directory. */
  enterRoot(path: string): void;
}
