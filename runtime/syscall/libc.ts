/**
 * The kernel for real: each method of `Kernel` as the system call of that name. Nothing is decided here; a reader
 * who knows the man pages finds only how arguments are laid out in memory.
 *
 * Deliberately absent: calls that node:fs already makes (open, mkdir, symlink, chown …).
 */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  DEVICE_TYPES,
  makedev,
  O_CLOEXEC,
} from './constants.ts';
import { addressOf, bytesOf, call, type Call } from './ffi.ts';
import type { Kernel } from './kernel.ts';
import { flock, getXattrs, pollOne, resetSignals } from './loops.ts';

const TIOCSCTTY = 0x540e;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TCGETS = 0x5401;
const TERMIOS_SIZE = 36;
const TCSETS = 0x5402;
const OPOST = 1;
const TIOCGPTPEER = 0x5441;
const TIOCSPTLCK = 0x40045431;
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_TOPDIR_FL = 0x20000;
const KEYCTL_JOIN_SESSION_KEYRING = 1;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const SECCOMP_SET_MODE_FILTER = 1;
const CLOSE_RANGE_CLOEXEC = 4;
const LAST_FD = 0xffffffff;
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const F_DUPFD_CLOEXEC = 1030;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const O_RDWR = 2;
const O_NOCTTY = 0o400;

/** Every method is `call` of something: what writes the calls down instead of making them is a kernel, too. */
export const kernelOver = (call: Call): Kernel => ({
  mount: (source, target, type, flags, data) => void call('mount', source, target, type, flags, data),
  umount2: (target, flags) => void call('umount2', target, flags),
  pivotRoot: (newRoot, putOld) => void call('pivot_root', newRoot, putOld),
  mountSetattr(path, recursive, { set, clear, propagation }) {
    const attributes = BigUint64Array.of(BigInt(set), BigInt(clear), BigInt(propagation), 0n);
    const flags = recursive ? AT_RECURSIVE : 0;
    call('mount_setattr', AT_FDCWD, path, flags, bytesOf(attributes), attributes.byteLength);
  },
  chroot: (path) => void call('chroot', path),
  fchdir: (fd) => void call('fchdir', fd),
  unshare: (flags) => void call('unshare', flags),
  setns: (fd, nstype) => void call('setns', fd, nstype),
  sethostname: (name) => void call('sethostname', name, Buffer.byteLength(name)),
  setdomainname: (name) => void call('setdomainname', name, Buffer.byteLength(name)),
  mknod: (path, type, mode, major, minor) =>
    void call('mknodat', AT_FDCWD, path, DEVICE_TYPES[type] | mode, makedev(major, minor)),
  prctl: (option, arg2, arg3 = 0, arg4 = 0, arg5 = 0) => call('prctl', option, arg2, arg3, arg4, arg5),
  capset(effective, permitted, inheritable) {
    const header = Uint32Array.of(LINUX_CAPABILITY_VERSION_3, 0);
    const sets = [effective, permitted, inheritable];
    const low = sets.map((set) => Number(set & 0xffffffffn));
    const high = sets.map((set) => Number(set >> 32n));
    call('capset', bytesOf(header), bytesOf(Uint32Array.from([...low, ...high])));
  },
  capget() {
    const sets = new Uint32Array(6);
    call('capget', bytesOf(Uint32Array.of(LINUX_CAPABILITY_VERSION_3, 0)), bytesOf(sets));
    // struct __user_cap_data_struct twice: effective, permitted, inheritable, 32 bits each.
    const set = (at: number): bigint => BigInt(sets[at] ?? 0) | (BigInt(sets[at + 3] ?? 0) << 32n);
    return { effective: set(0), permitted: set(1), inheritable: set(2) };
  },
  setresgid: (gid, saved = gid) => void call('setresgid', gid, gid, saved),
  setresuid: (uid, saved = uid) => void call('setresuid', uid, uid, saved),
  setgroups: (groups) => void call('setgroups', groups.length, bytesOf(Uint32Array.from(groups))),
  setrlimit: (resource, soft, hard) =>
    void call('prlimit64', 0, resource, bytesOf(BigUint64Array.of(rlim(soft), rlim(hard))), 0),
  getrlimit(resource) {
    const limit = new BigUint64Array(2);
    call('prlimit64', 0, resource, 0, bytesOf(limit));
    return { soft: fromRlim(limit[0]), hard: fromRlim(limit[1]) };
  },
  seccompSetFilter(program, flags) {
    // struct sock_fprog: a 16-bit count of instructions, padding, and their address.
    call('seccomp', SECCOMP_SET_MODE_FILTER, flags, { words: [BigInt(program.byteLength / 8), program] });
  },
  joinSessionKeyring: (name) => void call('keyctl', KEYCTL_JOIN_SESSION_KEYRING, name),
  execve(path, argv, env): never {
    call('execve', path, argv, env);
    throw new Error('execve returned');
  },
  executeFile(fd, argv, env): never {
    call('execveat', fd, '', argv, env, AT_EMPTY_PATH);
    throw new Error('execveat returned');
  },
  setsid: () => call('setsid'),
  umask: (mask) => call('umask', mask),
  dup2(from, to) {
    if (from !== to) call('dup3', from, to, 0);
  },
  close: (fd) => void call('close', fd),
  duplicate: (fd) => call('fcntl', fd, F_DUPFD_CLOEXEC, 0),
  pipe() {
    const ends = new Int32Array(2);
    call('pipe2', bytesOf(ends), O_CLOEXEC);
    return { read: ends[0] ?? -1, write: ends[1] ?? -1 };
  },
  setNonBlocking: (fd) => void call('fcntl', fd, F_SETFL, call('fcntl', fd, F_GETFL, 0) | O_NONBLOCK),
  closeRange: (first, cloexec) => void call('close_range', first, LAST_FD, cloexec ? CLOSE_RANGE_CLOEXEC : 0),
  closeAllBut(first, kept) {
    if (kept > first) call('close_range', first, kept - 1, 0);
    call('close_range', kept, kept, CLOSE_RANGE_CLOEXEC);
    call('close_range', Math.max(first, kept + 1), LAST_FD, 0);
  },
  resetSignals,
  kill: (pid, signal) => void call('kill', pid, signal),
  pidfdOpen: (pid) => call('pidfd_open', pid, 0),
  pidfdGetfd: (pidfd, targetFd) => call('pidfd_getfd', pidfd, targetFd, 0),
  pidfdSendSignal: (pidfd, signal) => void call('pidfd_send_signal', pidfd, signal, 0, 0),
  flock,
  openPtySlave(master) {
    call('ioctl', master, TIOCSPTLCK, bytesOf(Int32Array.of(0)));
    return call('ioctl', master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  },
  setControllingTerminal: (fd) => void call('ioctl', fd, TIOCSCTTY, 0),
  setWindowSize: (fd, rows, columns) =>
    void call('ioctl', fd, TIOCSWINSZ, bytesOf(Uint16Array.of(rows, columns, 0, 0))),
  windowSize(fd) {
    const size = new Uint16Array(4);
    call('ioctl', fd, TIOCGWINSZ, bytesOf(size));
    return { rows: size[0] ?? 0, columns: size[1] ?? 0 };
  },
  isTerminal(fd) {
    try {
      call('ioctl', fd, TCGETS, new Uint8Array(TERMIOS_SIZE));
      return true;
    } catch {
      return false; // ENOTTY, or EBADF.
    }
  },
  poll: pollOne,
  disableOutputProcessing(fd) {
    // The kernel's struct termios: four 32-bit words of flags, output second, then 20 bytes that stay as they are.
    const termios = new Uint32Array(9);
    call('ioctl', fd, TCGETS, bytesOf(termios));
    termios[1] = (termios[1] ?? 0) & ~OPOST;
    call('ioctl', fd, TCSETS, bytesOf(termios));
  },
  setXattr: (path, name, value) => void call('lsetxattr', path, name, value, value.byteLength, 0),
  setTopDirectory(fd) {
    // The kernel reads and writes an int, though the request's number says a long.
    const flags = new Int32Array(2);
    call('ioctl', fd, FS_IOC_GETFLAGS, bytesOf(flags));
    flags[0] = (flags[0] ?? 0) | FS_TOPDIR_FL;
    call('ioctl', fd, FS_IOC_SETFLAGS, bytesOf(flags));
  },
  bpfLoadDeviceFilter(program) {
    const license = Buffer.from('GPL\0');
    // union bpf_attr: prog_type and insn_cnt, insns, license; no log, no flags.
    const attr = BigUint64Array.of(
      BigInt(BPF_PROG_TYPE_CGROUP_DEVICE) | (BigInt(program.byteLength / 8) << 32n),
      BigInt(addressOf(program)),
      BigInt(addressOf(license)),
      ...[0n, 0n, 0n],
    );
    return call('bpf', BPF_PROG_LOAD, bytesOf(attr), attr.byteLength);
  },
  bpfAttachDeviceFilter(cgroupFd, programFd) {
    const attr = Uint32Array.of(cgroupFd, programFd, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI);
    call('bpf', BPF_PROG_ATTACH, bytesOf(attr), attr.byteLength);
  },
  getXattrs,
  utimensat(path, atimeNs, mtimeNs) {
    const second = 1_000_000_000n;
    const times = BigInt64Array.of(...[atimeNs, mtimeNs].flatMap((ns) => floorDiv(ns, second)));
    call('utimensat', AT_FDCWD, path, bytesOf(times), AT_SYMLINK_NOFOLLOW);
  },
});

export const kernel: Kernel = kernelOver(call);

/** [seconds, nanoseconds], the latter never negative, also before 1970. */
function floorDiv(ns: bigint, second: bigint): [bigint, bigint] {
  const rest = ((ns % second) + second) % second;
  return [(ns - rest) / second, rest];
}

/** -1, as Docker's --ulimit takes it, is RLIM_INFINITY. */
export const rlim = (value: number): bigint => (value < 0 ? 0xffffffffffffffffn : BigInt(value));
export const fromRlim = (value: bigint | undefined): number =>
  value === undefined || value === 0xffffffffffffffffn ? -1 : Number(value);
