/**
 * The one trait in front of the kernel: what minidock asks of it beyond node:fs. `libc.ts` is the real
 * implementation over bun:ffi; tests record. Every call throws SyscallError (with `errno` such as 'EPERM' and the
 * call spelt out in its message) on failure. Constants are in constants.ts under their kernel names.
 */
export interface Kernel {
  mount(source: string, target: string, type: string, flags: number, data: string): void;
  umount2(target: string, flags: number): void;
  pivotRoot(newRoot: string, putOld: string): void;
  /** mount_setattr(2) on the mount at `path` (and those below when `recursive`); Linux 5.12. */
  mountSetattr(path: string, recursive: boolean, attributes: MountAttributes): void;
  chroot(path: string): void;
  /** Also out of reach of any path: the directory that was open before the root changed. */
  fchdir(fd: number): void;
  unshare(flags: number): void;
  setns(fd: number, nstype: number): void;
  sethostname(name: string): void;
  setdomainname(name: string): void;
  /** At a path of our own, as mknodat. */
  mknod(path: string, type: 'c' | 'b' | 'p', mode: number, major: number, minor: number): void;
  prctl(option: number, arg2: number, arg3?: number, arg4?: number, arg5?: number): number;
  /** capset(2) for this thread; bit masks of the three sets. */
  capset(effective: bigint, permitted: bigint, inheritable: bigint): void;
  /** capget(2) of this thread. */
  capget(): { readonly effective: bigint; readonly permitted: bigint; readonly inheritable: bigint };
  /** For this thread only, by raw system call: safe because execve(2) follows. The saved id is the same unless given. */
  setresgid(gid: number, saved?: number): void;
  setresuid(uid: number, saved?: number): void;
  setgroups(groups: readonly number[]): void;
  setrlimit(resource: number, soft: number, hard: number): void;
  /** -1 is unlimited, in both directions. */
  getrlimit(resource: number): { readonly soft: number; readonly hard: number };
  /** keyctl(2) KEYCTL_JOIN_SESSION_KEYRING. */
  joinSessionKeyring(name: string): void;
  /** seccomp(2) SECCOMP_SET_MODE_FILTER; `program` is an array of struct sock_filter, 8 bytes each. */
  seccompSetFilter(program: Uint8Array, flags: number): void;
  execve(path: string, argv: readonly string[], env: readonly string[]): never;
  /** execveat(2) of an open file, without a path that could lead elsewhere. */
  executeFile(fd: number, argv: readonly string[], env: readonly string[]): never;
  setsid(): number;
  umask(mask: number): number;
  dup2(from: number, to: number): void;
  close(fd: number): void;
  /** fcntl(2) F_DUPFD_CLOEXEC. */
  duplicate(fd: number): number;
  /** pipe2(2) with O_CLOEXEC. A real pipe: what node:child_process calls one is a socket, which /dev/stdout cannot reopen. */
  pipe(): { readonly read: number; readonly write: number };
  /** fcntl(2) O_NONBLOCK on the open file description. */
  setNonBlocking(fd: number): void;
  /** close_range(2) from `first` up, marking close-on-exec instead of closing when `cloexec`. */
  closeRange(first: number, cloexec: boolean): void;
  /** close_range(2) of all descriptors from `first` up but `kept`, which is marked close-on-exec. */
  closeAllBut(first: number, kept: number): void;
  /** Every signal to its default disposition and nothing blocked, for the program that is about to be executed. */
  resetSignals(): void;
  kill(pid: number, signal: number): void;
  pidfdOpen(pid: number): number;
  pidfdGetfd(pidfd: number, targetFd: number): number;
  pidfdSendSignal(pidfd: number, signal: number): void;
  /** Takes an exclusive flock(2) on the descriptor; false if `wait` is not set and someone else holds it. */
  flock(fd: number, wait: boolean): boolean;
  /** Unlocks a pty's slave and opens it without a name (TIOCSPTLCK, TIOCGPTPEER). */
  openPtySlave(master: number): number;
  /** TIOCSCTTY: makes the terminal the controlling one of this session. */
  setControllingTerminal(fd: number): void;
  setWindowSize(fd: number, rows: number, columns: number): void;
  /** TIOCGWINSZ of a terminal. */
  windowSize(fd: number): { readonly rows: number; readonly columns: number };
  /** Whether the descriptor answers TCGETS; false for one that is closed. */
  isTerminal(fd: number): boolean;
  /** ppoll(2) of one descriptor; an error or a hang-up counts as ready. `timeoutMs` below 0 waits for ever. */
  poll(fd: number, direction: 'read' | 'write', timeoutMs: number): boolean;
  /** Turns OPOST off (TCGETS, TCSETS): what is written to the terminal reaches it unchanged. */
  disableOutputProcessing(fd: number): void;
  setXattr(path: string, name: string, value: Uint8Array): void;
  /**
   * FS_IOC_SETFLAGS of FS_TOPDIR_FL (`chattr +T`): what is made in this directory is unrelated, so a file system of
   * the ext family shall put each tree into another part of the disk. Others refuse it with ENOTTY or EOPNOTSUPP.
   */
  setTopDirectory(fd: number): void;
  /** bpf(2) BPF_PROG_LOAD of a BPF_PROG_TYPE_CGROUP_DEVICE program (struct bpf_insn, 8 bytes each); a descriptor. */
  bpfLoadDeviceFilter(program: Uint8Array): number;
  /** bpf(2) BPF_PROG_ATTACH, beside whatever programs the cgroup's parents have. */
  bpfAttachDeviceFilter(cgroupFd: number, programFd: number): void;
  getXattrs(path: string): ReadonlyMap<string, Uint8Array>;
  utimensat(path: string, atimeNs: bigint, mtimeNs: bigint): void;
}

/** What PID 1 asks the kernel for. Commands that set nothing up load the first half alone. */
export type ContainerKernel = Kernel & FileCalls;

/** Files and mounts by descriptor: no call walks a path that somebody else can change. */
export interface FileCalls {
  /** openat2(2), close-on-exec; `resolve` is RESOLVE_ bits. Linux 5.6. */
  openat2(directory: number, path: string, flags: number, resolve: number, mode?: number): number;
  /** The text of the symbolic link that an O_PATH descriptor stands for. */
  readlink(fd: number): string;
  mkdirat(directory: number, name: string, mode: number): void;
  symlinkat(target: string, directory: number, name: string): void;
  /** `mode` is permission bits only, less the umask. */
  mknodat(
    directory: number,
    name: string,
    type: 'c' | 'b' | 'p',
    mode: number,
    major: number,
    minor: number,
  ): void;
  lchownat(directory: number, name: string, uid: number, gid: number): void;
  /** statx(2): the mount that a descriptor lies on, as mountinfo numbers it, and the inode. Linux 5.8. */
  place(fd: number): { readonly mount: number; readonly inode: bigint };
  /** fstatfs(2): the file system's magic number, and its ST_ flags as mounted there. */
  fileSystem(fd: number): { readonly type: number; readonly flags: number };
  /**
   * A new file system, mounted nowhere yet: fsopen(2), fsconfig(2) for each word, fsmount(2) with MOUNT_ATTR_ bits.
   * The descriptor goes on to stand for the mount's root once it is attached.
   */
  newMount(type: string, source: string, words: readonly string[], attributes: number): number;
  /** open_tree(2): a detached copy of the mount that a descriptor lies on, from there down. */
  copyMount(fd: number, recursive: boolean): number;
  /** mount_setattr(2) on the mount that a descriptor lies on. Linux 5.12. */
  setMountAttributes(fd: number, recursive: boolean, attributes: MountAttributes): void;
  /** move_mount(2) of a detached mount to where a descriptor lies. It appears there complete. */
  attachMount(mount: number, target: number): void;
}

/** MOUNT_ATTR_ bits to turn on and off; `propagation` is MS_PRIVATE, MS_SLAVE, MS_SHARED, or 0 to leave it. */
export interface MountAttributes {
  readonly set: number;
  readonly clear: number;
  readonly propagation: number;
  /** A user namespace whose ids the mount shows (MOUNT_ATTR_IDMAP). Linux 5.12. */
  readonly userNamespace?: number;
}
