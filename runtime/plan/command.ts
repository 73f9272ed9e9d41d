/**
 * The things a step can do, as data. Each kind has its performer, which reads nothing else: `apply` carries out host
 * commands, PID 1 container commands, through system calls (runtime/process/init). Everybody else calls `renderCommand`.
 *
 * A container command is a system call, since the host's tools are out of reach once pivot_root(2) has happened;
 * it is printed as the command of util-linux or coreutils that makes the same call.
 */
import type { OciNamespace, OciResources } from '../bundle.ts';
import type { FlowsOf } from '../syscall/conntrack.ts';
import type { VolumeMount, VolumeUnmount } from '../volumes/command.ts';
import type { Argv } from './argv.ts';

/** Carried out on the host, before the container's process exists or beside it. */
export type HostCommand =
  /** A tool, spawned. `input` is its standard input (an nft script). */
  | { readonly kind: 'run'; readonly argv: Argv; readonly input?: string }
  /** One write(2) to a kernel file: a sysctl or a cgroup knob. `text` goes without a trailing newline. */
  | { readonly kind: 'write'; readonly path: string; readonly text: string }
  /** The same in a network namespace, by the names of sysctl(8); /proc/sys/net shows the namespace of who opens it. */
  | {
      readonly kind: 'set-sysctls';
      readonly netns: string;
      readonly settings: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'mkdir'; readonly path: string; readonly mode: number }
  /** For directories of the kernel's (a cgroup): rmdir(2), retried while busy with dying processes. */
  | { readonly kind: 'rmdir'; readonly path: string }
  /** The two calls that `ip netns delete` makes, umount2(2) and unlink(2), without a process for them. */
  | { readonly kind: 'delete-netns'; readonly name: string }
  /** Entries of conntrack, which say for a whole flow what was decided for its first packet. */
  | { readonly kind: 'forget-flows'; readonly of: FlowsOf }
  /**
   * Sockets for questions about names, in a network namespace; the process that performs this holds them
   * (network/resolver-sockets.ts). `names`: directories of files as hosts(5) has them.
   */
  | {
      readonly kind: 'listen-names';
      readonly netns: string;
      readonly address: string;
      readonly port: number;
      readonly names: readonly string[];
    }
  | VolumeMount
  | VolumeUnmount
  /** SIGKILL to every process of a container's cgroup (`/minidock/<id>`), and wait until it is empty. */
  | { readonly kind: 'kill-cgroup'; readonly cgroupsPath: string }
  /** Of PID 1, by the host: `pid` as in first-pid.ts. */
  | { readonly kind: 'move-to-cgroup'; readonly procs: readonly string[]; readonly pid: string }
  /** The hard limit of PID 1, if it is lower; the soft one stays. */
  | { readonly kind: 'raise-limit'; readonly name: string; readonly hard: number; readonly pid: string }
  /** cgroup v2 only: an eBPF program that lets the group's processes use devices by these rules, the last one wins. */
  | { readonly kind: 'filter-devices'; readonly path: string; readonly rules: OciResources['devices'] };

/** Carried out by PID 1 of the container, in its own mount namespace, before execve(2). Paths as PID 1 sees them. */
export type ContainerCommand =
  | {
      readonly kind: 'mount';
      readonly source: string;
      readonly target: string;
      /** '' for a bind mount or a change of flags or propagation. */
      readonly type: string;
      /** mount(8) option words; flags and data are separated by runtime/rootfs (`nosuid` against `mode=755`). */
      readonly options: readonly string[];
    }
  /** Without following a final symlink; lazily (MNT_DETACH) when `lazy`. */
  | { readonly kind: 'umount'; readonly target: string; readonly lazy: boolean }
  | { readonly kind: 'pivot-root'; readonly newRoot: string; readonly oldRoot: string }
  | { readonly kind: 'make-dir'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly target: string; readonly path: string }
  | {
      readonly kind: 'mknod';
      readonly path: string;
      readonly type: 'c' | 'b' | 'p';
      readonly major: number;
      readonly minor: number;
      readonly mode: number;
      /** root when left out. */
      readonly uid?: number;
      readonly gid?: number;
    }
  | { readonly kind: 'set-hostname'; readonly hostname: string }
  | { readonly kind: 'set-domainname'; readonly domainname: string }
  | { readonly kind: 'set-sysctl'; readonly key: string; readonly value: string }
  /** Covers a path so that it reads as empty: /dev/null over a file, a read-only tmpfs over a directory. */
  | { readonly kind: 'mask'; readonly path: string }
  | { readonly kind: 'make-readonly'; readonly path: string }
  /**
   * Fails unless `/..` is `/`, every mount is one of the container's, and what was to be hidden or read-only is.
   * Changes nothing.
   */
  | {
      readonly kind: 'verify-root';
      readonly masked: readonly string[];
      readonly readonly: readonly string[];
    }
  /** Turns every mount from `path` down read-only where it stands (mount_setattr(2) AT_RECURSIVE). */
  | { readonly kind: 'seal-mounts'; readonly path: string }
  | { readonly kind: 'join-cgroup'; readonly procs: readonly string[] }
  | { readonly kind: 'join-netns'; readonly path: string }
  | { readonly kind: 'unshare-cgroup' }
  /** Of a process, and the root directory of its mount namespace; its PID namespace is for children. */
  | {
      readonly kind: 'enter-namespaces';
      readonly pid: number;
      readonly types: readonly OciNamespace[];
    }
  /** Goes on as the child, the first process that is in the PID namespace entered. */
  | { readonly kind: 'fork' }
  | { readonly kind: 'set-rlimit'; readonly name: string; readonly soft: number; readonly hard: number }
  | { readonly kind: 'set-oom-score'; readonly value: number }
  /** An empty session keyring of its own: the caller's keys stay out of reach. */
  | { readonly kind: 'join-keyring'; readonly name: string }
  /** Allocates a pty from the devpts mounted at /dev/pts and shows its slave at `console` ('' for exec). */
  | {
      readonly kind: 'open-terminal';
      readonly rows: number;
      readonly columns: number;
      readonly console: string;
    }
  /** setsid(2); with a terminal, makes it the controlling one and standard input, output and error. */
  | { readonly kind: 'new-session'; readonly terminal: boolean }
  /** Looks `user` ('nginx', '1000', 'app:staff') up in the container's own /etc/passwd and /etc/group. */
  | { readonly kind: 'find-user'; readonly user: string; readonly groups: readonly string[] }
  | {
      readonly kind: 'set-identity';
      /** As given, when PID 1 found the numbers itself (find-user): then uid, gid and groups count for nothing. */
      readonly user?: string;
      readonly uid: number;
      readonly gid: number;
      readonly groups: readonly number[];
      readonly capabilities: readonly string[];
      readonly noNewPrivileges: boolean;
    }
  /** Only named here: the filter itself is compiled from the bundle's linux.seccomp. */
  | { readonly kind: 'load-seccomp'; readonly profile: string }
  | { readonly kind: 'exec'; readonly argv: Argv; readonly cwd: string };

/** src/engine/stop.ts carries these out when it ends a container's program. */
export type StopCommand =
  /** `signal` as kill takes it behind -s. `start` tells the process from a later one of its number. */
  | { readonly kind: 'signal'; readonly signal: string; readonly pid: number; readonly start: string }
  /** Until it has ended and its shim is done, or so many seconds have passed; negative: without end. */
  | { readonly kind: 'wait'; readonly pid: number; readonly seconds: number };

/** Carried out on minidock's own files (src/engine/state/perform-file.ts). What is gone already counts as removed. */
export type FileCommand =
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** Only while it still holds that text, if one is given: somebody else may have taken the name by now. */
  | { readonly kind: 'remove-file'; readonly path: string; readonly holding?: string }
  /** In this order. */
  | { readonly kind: 'remove-trees'; readonly paths: readonly string[] }
  /** JSON, written beside the old one and renamed over it; and a copy (state/atomic-file.ts). */
  | { readonly kind: 'write-record'; readonly path: string; readonly text: string };

export type Command = HostCommand | StopCommand | FileCommand | ContainerCommand;
