/**
 * What the host makes for a container with a user namespace of its own, whose PID 1 has no powers on the machine: the
 * overlay, bind mounts, device nodes. Each is a detached mount, of which PID 1 gets the descriptor and which it puts
 * in place (perform-handed.ts); a name would be of no use to it, since it may not even enter minidock's directories.
 *
 *     shim (root of the machine)                      PID 1 (root of the container)
 *        own mount namespace, for the moment
 *          layers, upper: mounted id-mapped
 *          overlay on them   ── open_tree ──┐
 *        back again                          ├─ SCM_RIGHTS ──> move_mount(2) into its own mount namespace
 *        binds: open_tree + MOUNT_ATTR_IDMAP ┤
 *        /dev: fsmount, mknodat ─────────────┘
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import type { OciIdMapping } from '../bundle.ts';
import { MinidockError } from '../errors.ts';
import type { ContainerCommand } from '../plan/command.ts';
import type { StepId } from '../plan/step.ts';
import { stepSpan } from '../plan/step-span.ts';
import { parseMountinfo } from '../io/mountinfo.ts';
import * as k from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import { asFileOwner } from '../syscall/for-container.ts';
import type { ContainerKernel } from '../syscall/kernel.ts';
import { openSource } from './bind-source.ts';
import { isIdMapped, MAP_STEP } from './id-map.ts';
import { parseMountOptions } from './mount-options.ts';
import { mountOverlay } from './perform-overlay.ts';
import type { ContainerStep } from './step.ts';

type MountCommand = Extract<ContainerCommand, { kind: 'mount' }>;

export interface Handed {
  readonly step: StepId;
  /** A detached mount; the caller closes it. */
  readonly fd: number;
}

/** Called with the step that failed, to say which. Must throw. */
export type Fail = (step: ContainerStep, error: unknown) => never;

/** Carries out the steps that are the host's, for the process `pid`, whose user namespace the mounts are made for. */
export function makeHostMounts(
  kernel: ContainerKernel,
  steps: readonly ContainerStep[],
  mapping: OciIdMapping,
  pid: number,
  fail: Fail,
): readonly Handed[] {
  const userNamespace = openSync(`/proc/${pid}/ns/user`, 'r');
  const handed: Handed[] = [];
  const host = new Host(kernel, mapping, userNamespace);
  const carryOut = (step: ContainerStep): void =>
    stepSpan([step], (note) => {
      try {
        const fd = host.perform(step);
        if (fd !== undefined) handed.push({ step: step.id, fd });
        note({ outcome: 'done' });
      } catch (error) {
        fail(step, error);
      }
    });
  const own = steps.filter(({ by }) => by === 'host');
  try {
    inOwnMountNamespace(kernel, () => own.filter(needsNamespace).forEach(carryOut));
    own.filter((step) => !needsNamespace(step)).forEach(carryOut);
    return handed;
  } catch (error) {
    for (const { fd } of handed) closeSync(fd);
    throw error;
  } finally {
    closeSync(userNamespace);
  }
}

const needsNamespace = ({ id, command }: ContainerStep): boolean =>
  id.startsWith(MAP_STEP) || (command.kind === 'mount' && command.type === 'overlay');

class Host {
  /** The container's /dev: device nodes are made in it. */
  private dev = -1;

  constructor(
    private readonly kernel: ContainerKernel,
    private readonly mapping: OciIdMapping,
    private readonly userNamespace: number,
  ) {}

  /** A mount to be handed over, if the step makes one. */
  perform({ id, command }: ContainerStep): number | undefined {
    if (command.kind === 'mknod') return this.makeNode(command);
    if (command.kind !== 'mount') throw new Error(`${id} is not the host’s`);
    if (id.startsWith(MAP_STEP)) return this.mapOverItself(command);
    if (command.type === 'overlay') return this.overlay(command);
    return command.type === '' ? this.bind(command) : (this.dev = this.fileSystem(command));
  }

  private mapOverItself(command: MountCommand): undefined {
    const copy = this.bind(command);
    const target = openSync(command.target, k.O_PATH);
    try {
      this.kernel.attachMount(copy, target);
    } finally {
      closeSync(copy);
      closeSync(target);
    }
  }

  /**
   * Overlayfs creates its own files (whiteouts, its work directory) as the user who mounted it. On an id-mapped layer
   * that must be a user of the container; root of the machine is not one (EOVERFLOW, and a read-only overlay).
   */
  private overlay(command: MountCommand): number {
    const options = parseMountOptions(command.options);
    asFileOwner(this.mapping.hostID, () => mountOverlay(command, options, this.kernel));
    const root = openSync(command.target, k.O_PATH | constants.O_DIRECTORY);
    try {
      return this.kernel.copyMount(root, false);
    } finally {
      closeSync(root);
    }
  }

  private bind(command: MountCommand): number {
    const { kernel, userNamespace } = this;
    const { attributes, propagation, recursive } = parseMountOptions(command.options);
    const source = openSource(command.source, command.options, kernel);
    try {
      const copy = kernel.copyMount(source, recursive);
      kernel.setMountAttributes(copy, recursive, { ...attributes, propagation: propagation & ~k.MS_REC });
      if (isIdMapped(command.options)) {
        try {
          kernel.setMountAttributes(copy, recursive, { set: 0, clear: 0, propagation: 0, userNamespace });
        } catch (error) {
          throw cannotBeMapped(command.source, recursive, error, (path) => this.canBeMapped(path));
        }
      }
      return copy;
    } finally {
      closeSync(source);
    }
  }

  private canBeMapped(path: string): boolean {
    const { kernel, userNamespace } = this;
    const source = openSync(path, k.O_PATH);
    const copy = kernel.copyMount(source, false);
    try {
      kernel.setMountAttributes(copy, false, { set: 0, clear: 0, propagation: 0, userNamespace });
      return true;
    } catch {
      return false; // Whatever the reason, it is the one to name.
    } finally {
      closeSync(copy);
      closeSync(source);
    }
  }

  private fileSystem({ type, source, options }: MountCommand): number {
    const { words, attributes } = parseMountOptions(options);
    return this.kernel.newMount(type, source, words, attributes.set);
  }

  private makeNode(command: Extract<ContainerCommand, { kind: 'mknod' }>): undefined {
    const name = command.path.split('/').at(-1) ?? '';
    const { type, mode, major, minor, uid = 0, gid = 0 } = command;
    const mask = this.kernel.umask(0);
    try {
      this.kernel.mknodat(this.dev, name, type, mode, major, minor);
    } finally {
      this.kernel.umask(mask);
    }
    this.kernel.lchownat(this.dev, name, uid, gid);
  }
}

/**
 * For what has to be mounted somewhere before it can be used. This thread alone goes there, and nothing else of this
 * process runs meanwhile; coming back, it has the root directory that it had, be that a chroot's.
 */
function inOwnMountNamespace(kernel: ContainerKernel, action: () => void): void {
  const namespace = openSync('/proc/self/ns/mnt', 'r');
  const root = openSync('/', k.O_PATH | constants.O_DIRECTORY);
  kernel.unshare(k.CLONE_NEWNS);
  try {
    kernel.mount('', '/', '', k.MS_REC | k.MS_PRIVATE, '');
    action();
  } finally {
    kernel.setns(namespace, k.CLONE_NEWNS);
    kernel.fchdir(root);
    kernel.chroot('.');
    closeSync(namespace);
    closeSync(root);
  }
}

function cannotBeMapped(
  source: string,
  recursive: boolean,
  error: unknown,
  canBe: (path: string) => boolean,
): unknown {
  if (!['EINVAL', 'EPERM', 'ENOSYS', 'EOPNOTSUPP'].includes(errnoOf(error))) return error;
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  const below = recursive ? mounts.filter(({ point }) => point.startsWith(source.replace(/\/*$/, '/'))) : [];
  const culprit = canBe(source) ? below.find(({ point }) => !canBe(point)) : undefined;
  const what = culprit === undefined ? source : `${culprit.point}, which is mounted below ${source},`;
  return new MinidockError({
    code: 'NOT_ID_MAPPABLE',
    message: `${what} is on a file system without id-mapped mounts, which a user namespace needs`,
    cause: error,
  });
}
