/**
 * What a container's PID 1 (before exec) and its supervisor say to each other, one JSON object a line, over a
 * UNIX socket that PID 1 connects to with close-on-exec set: end of file without an 'error' before it means that
 * execve(2) succeeded, since `unshare`, the parent in between, never holds this descriptor.
 *
 *     supervisor (shim or exec)                    PID 1 (or an exec'd process)
 *        listen <───────────── connect ───────────── hello {pid}        read from /proc/self: the host's number
 *        bundle is there ─────  read ───────────────>  works out its steps  (PID 1 only)
 *        network namespace
 *        is there ─ begin {hostRoot, handed, env} ──>  … mounts, pivot_root …  (PID 1 only)
 *               <───────────────────────────────────  ready {terminalFd?}
 *        pidfd_getfd(terminalFd) if there is one
 *        network is up ───────  go ────────────────>  last steps: identity, capabilities, seccomp
 *               <───────────── error {…} or EOF ────  execve
 *
 * An exec'd process goes two steps further. It does not execute the program but enters the container as a list of
 * system calls (enter.ts), and then reports errors in sixteen bytes:
 *
 *               <───────────────────────────────────  calls […]     what they are for, the last line
 *               <──────── report of 16 bytes, EOF ──  execve succeeded, or which call failed and how
 *
 * With --step it says `next {step}` before each step, also of those after `ready`, and waits for a `go` of its own.
 */
import type { TraceEvent } from '../trace.ts';

/** What to say when a call of the list fails. */
export interface CallWords {
  /** The step it belongs to. */
  readonly step: string;
  /** As it is spelt in C. */
  readonly call: string;
  /** The file that execve(2) is to execute. */
  readonly program?: string;
}

export type InitMessage =
  /** One for each entry of the table at that address (runtime/syscall/call-program.ts). No line follows. */
  | { readonly type: 'calls'; readonly table: number; readonly calls: readonly CallWords[] }
  | { readonly type: 'hello'; readonly pid: number }
  /** Spans until execve, one for each step but the last, on request. */
  | { readonly type: 'trace'; readonly event: TraceEvent }
  /** Before a step, on request: it waits for 'go'. */
  | { readonly type: 'next'; readonly step: string }
  /** Only when `process.terminal`: the number of the pty master in PID 1, to be fetched with pidfd_getfd(2). */
  | { readonly type: 'ready'; readonly terminalFd?: number }
  | {
      readonly type: 'error';
      /** The failing step's id, e.g. 'rootfs.mount-overlay', 'process.exec'. */
      readonly step: string;
      /** The error's: 'ENOENT' and so on of a system call, '' of one that has none. */
      readonly code: string;
      readonly message: string;
      /** 127 not found, 126 not executable, else 125. */
      readonly exitCode: number;
      /** What the user can do next. */
      readonly hint?: string;
    };

export type InitFailure = Extract<InitMessage, { type: 'error' }>;

export type SupervisorMessage =
  /** To PID 1 alone: its bundle is there. One with a user namespace of its own gets the bundle with 'begin' instead. */
  | { readonly type: 'read' }
  /**
   * To PID 1 alone: `hostRoot` is the supervisor's view of the host, which has mounts made since PID 1 was started;
   * `handed` says of each descriptor that was sent (inherited.ts) which step it is for; `env` has variables for the
   * program that are secret, and so in no file, the bundle among them.
   */
  | {
      readonly type: 'begin';
      readonly hostRoot: string;
      readonly handed: readonly string[];
      readonly env: readonly string[];
    }
  | { readonly type: 'go' };
