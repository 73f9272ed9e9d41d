/** Docker's format of a seccomp profile, with the fields of OCI's (moby, profiles/seccomp/seccomp.go). */
import type { OciSeccompRule } from '../../bundle.ts';

export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  /** OCI's way: a fixed list. */
  readonly architectures?: readonly string[];
  /** Docker's way: the list goes with the machine. */
  readonly archMap?: readonly {
    readonly architecture: string;
    readonly subArchitectures?: readonly string[] | null;
  }[];
  readonly syscalls?: readonly ProfileRule[];
}

export interface ProfileRule extends Omit<OciSeccompRule, 'names'> {
  readonly names?: readonly string[];
  /** The oldest form: one call. */
  readonly name?: string;
  /** The rule holds if all of these are so (capabilities: all of them; arches: one of them). */
  readonly includes?: Conditions | null;
  /** The rule is left out if any of these is so. */
  readonly excludes?: Conditions | null;
}

export interface Conditions {
  readonly caps?: readonly string[];
  /** Docker's names, which are neither Go's nor libseccomp's: amd64, arm64, x86, x32 … */
  readonly arches?: readonly string[];
  /** '4.8' */
  readonly minKernel?: string;
}
