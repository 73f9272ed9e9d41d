/** What `exec` asks of the process that it starts beside the container. */
import type { OciConfig, OciNamespace, OciProcess, OciSeccomp } from '../../bundle.ts';

/** Written as JSON to a file of the caller's, who removes it. */
export interface EnterRequest {
  /** PID 1 of the container, in the host's numbers. */
  readonly containerPid: number;
  /** Field 22 of its /proc/PID/stat. */
  readonly containerStart?: string;
  /** Those of PID 1 that are not the host's. */
  readonly namespaces: readonly OciNamespace[];
  readonly process: OciProcess;
  /** With a user namespace of its own: the host's id of its root. */
  readonly firstId?: number;
  /** The session keyring of the container's processes. */
  readonly keyring: string;
  /** As cgroupProcsFiles tells. */
  readonly cgroupProcs: readonly string[];
  readonly seccomp?: OciSeccomp;
  /** The descriptor, passed on by the caller, that gets the program's status (runtime/syscall/call-program.ts). */
  readonly result?: number;
  /** Send spans to the caller. */
  readonly trace?: boolean;
}

/** All that PID 1 has for itself, or shares with another container; the first two it always has. */
export const enteredNamespaces = ({ linux }: OciConfig): readonly OciNamespace[] => [
  'mount',
  'cgroup',
  ...linux.namespaces.map(({ type }) => type).filter((type) => type !== 'mount' && type !== 'cgroup'),
];
