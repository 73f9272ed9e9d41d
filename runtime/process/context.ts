/** What the performer needs beside the command itself, and what one step leaves for a later one. */
import type { OciProcess, OciSeccomp } from '../bundle.ts';
import type { ContainerKernel } from '../syscall/kernel.ts';
import { newTree, type RootContext } from '../rootfs/tree.ts';
import type { Identity } from './identity/identity.ts';
import type { ResolvedUser } from './identity/users.ts';

export interface PerformContext extends RootContext {
  readonly process: OciProcess;
  readonly seccomp: OciSeccomp | undefined;
  /** Before a path of the host's, names what the supervisor sees there (see init-protocol.ts). */
  readonly hostRoot: string;
  /** Mounts that the host made for a step (host-mounts.ts), by its id. */
  readonly handed: ReadonlyMap<string, number>;
  /** The descriptor of the conversation with the supervisor: what the last step leaves open until execve(2). */
  readonly channel: number;
  user: ResolvedUser | undefined;
  /** Of exec, which looks for the program as this user before it becomes them. */
  identity: Identity | undefined;
  terminal: { readonly master: number; readonly slave: number } | undefined;
  /** The compiled filter, made while waiting for 'go'. */
  filter: Uint8Array | undefined;
  /** The working directory could not be entered as root; the user may still be able to (root-squashed NFS). */
  cwdPending: boolean;
  /** Of exec: the container's user namespace is still to be entered. */
  usersPending: boolean;
}

export function newContext(
  kernel: ContainerKernel,
  process: OciProcess,
  seccomp: OciSeccomp | undefined,
  root: string,
  channel: number,
  hostRoot = '',
  handed: ReadonlyMap<string, number> = new Map(),
): PerformContext {
  return {
    kernel,
    process,
    seccomp,
    root,
    tree: newTree(),
    hostRoot,
    handed,
    channel,
    user: undefined,
    identity: undefined,
    terminal: undefined,
    filter: undefined,
    cwdPending: false,
    usersPending: false,
  };
}
