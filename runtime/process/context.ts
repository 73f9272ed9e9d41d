/** What the performer needs beside the command itself, and what one step leaves for a later one. */
import type { OciProcess, OciSeccomp } from '../bundle.ts';
import type { Kernel } from '../syscall/kernel.ts';
import type { ResolvedUser } from './users.ts';

export interface PerformContext {
  readonly kernel: Kernel;
  readonly process: OciProcess;
  readonly seccomp: OciSeccomp | undefined;
  /** The new root while it is not yet `/`: paths below it are resolved inside it. '' once it is. */
  root: string;
  /** Before a path of the host's, names what the supervisor sees there (see init-protocol.ts). */
  readonly hostRoot: string;
  user: ResolvedUser | undefined;
  terminal: { readonly master: number; readonly slave: number } | undefined;
  /** The compiled filter, made while waiting for 'go'. */
  filter: Uint8Array | undefined;
  /** The working directory could not be entered as root; the user may still be able to (root-squashed NFS). */
  cwdPending: boolean;
}

export function newContext(
  kernel: Kernel,
  process: OciProcess,
  seccomp: OciSeccomp | undefined,
  root: string,
  hostRoot = '',
): PerformContext {
  return {
    kernel,
    process,
    seccomp,
    root,
    hostRoot,
    user: undefined,
    terminal: undefined,
    filter: undefined,
    cwdPending: false,
  };
}
