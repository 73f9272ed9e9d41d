/**
 * What a plan is made of. A Step is one thing done to the host or inside the new container, in two forms: as data
 * that a performer carries out, and as an explanation for a reader.
 *
 * Invariants: every step says how it is undone; the command that is printed is a pure function of the command that
 * is performed (see command.ts); ids are stable, since errors, goldens, the journal and fault injection name them.
 *
 * Deliberately absent: anything about images, flags or how output is coloured.
 */
import type { Command, HostCommand } from './command.ts';
import type { Argv } from './argv.ts';

/** `noun.verb`, e.g. `veth.create`; several of one kind carry a suffix: `port.publish:8080/tcp`. */
export type StepId = string;

/** The part of a container's life a step belongs to; `--explain` prints one heading for each, in this order. */
export type Section =
  | 'namespace'
  | 'bridge'
  | 'veth'
  | 'address'
  | 'nat'
  | 'ports'
  | 'cgroup'
  | 'process'
  | 'rootfs'
  | 'isolation'
  /** Of verbs other than `run`. */
  | 'stop'
  | 'undo'
  | 'files'
  | 'names'
  | 'copy'
  | 'archive'
  | 'volume'
  | 'images'
  | 'commit'
  | 'registry'
  | 'unpack';

/** How a step's effect is taken back. Required: a step nobody can undo must say why nobody needs to. */
export type Undo =
  | { readonly kind: 'command'; readonly command: HostCommand }
  /** Goes away when the named step is undone (deleting a netns takes its veth with it). */
  | { readonly kind: 'freedBy'; readonly step: StepId }
  /** Serves every container (bridge, forwarding, firewall table): one container's failure never removes it. */
  | { readonly kind: 'shared'; readonly why: string }
  /** Cannot or need not be undone: a signal, a question. */
  | { readonly kind: 'none'; readonly why: string };

/** A cheap look at the kernel: does the step's effect hold already? Then it is neither performed nor undone. */
export type Check =
  | Question
  /** Of a step with several effects, which can be lost one by one. */
  | { readonly kind: 'all'; readonly checks: readonly Question[] };

export type Question =
  | { readonly kind: 'path-exists'; readonly path: string }
  | { readonly kind: 'file-contains'; readonly path: string; readonly text: string }
  /** By its exit status. What `nft get element` asks is asked of the kernel without that program. */
  | { readonly kind: 'run'; readonly argv: Argv };

export interface Step<C extends Command = Command> {
  readonly id: StepId;
  readonly section: Section;
  /** Imperative, one line: 'Create the veth pair'. */
  readonly title: string;
  /** The kernel effect and what it is for: one to three whole sentences. */
  readonly why: string;
  /** What breaks without it, and how a user notices. */
  readonly without: string;
  readonly command: C;
  /**
   * A container's step that the host carries out, before PID 1 begins, since PID 1 may not; a mount is then only put
   * in its place by PID 1 (runtime/rootfs/host-mounts.ts).
   */
  readonly by?: 'host';
  readonly undo: Undo;
  readonly check?: Check;
  /** What a learner types to look at the result. */
  readonly observe?: Argv;
  /** Type it inside the container; without this, on the host. */
  readonly observeFrom?: 'inside';
}

/** A step performed on the host by `apply`, as against one performed by the container's PID 1 before exec. */
export type HostStep = Step<HostCommand>;
