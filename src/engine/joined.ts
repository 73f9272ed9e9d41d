/**
 * The containers whose namespaces a container joins (`--pid container:C`, `--ipc container:C`): they must run when it
 * starts, and be the same processes still when it has joined. A path below /proc names a process only while it lives:
 * so their numbers are looked at again once the new process is inside (`stillThere`), before anything relies on it.
 *
 * The process that becomes the program is in the joined PID namespace for some milliseconds with the host's files at
 * hand. It is not dumpable, so only CAP_SYS_PTRACE would lead another process there to them: a PID namespace whose
 * containers have that capability is not joined.
 */
import {
  resolveCapabilities,
  availableCapabilities,
  lastCapability,
} from '../../runtime/process/capabilities.ts';
import { MinidockError } from '../../runtime/errors.ts';
import { hasProgram, type ContainerConfig } from './spec/container.ts';
import { joinedId } from './spec/namespace-flags.ts';
import type { Joined } from './plans/bundle-input.ts';
import { HOST_SHM } from './plans/shm-plan.ts';
import { shmPath } from './state/paths.ts';
import { isSameProcess } from './state/process-identity.ts';
import type { Container, ContainerStore } from './state/store.ts';

const NOBODY: Joined = { namespaces: [], owners: [] };

/** @throws MinidockError 'NOT_RUNNING', 'NOT_SHAREABLE' or 'CAN_TRACE'. */
export function findJoined(store: ContainerStore, { spec }: Pick<ContainerConfig, 'spec'>): Joined {
  const [pid, ipc] = [joinedId(spec.namespaces?.pid), joinedId(spec.namespaces?.ipc)];
  if (pid === undefined && ipc === undefined) return NOBODY;
  const pidOwner = pid === undefined ? undefined : running(store, pid, 'PID');
  const ipcOwner = ipc === undefined ? undefined : running(store, ipc, 'IPC');
  if (pidOwner !== undefined) refuseTracers(store, pidOwner);
  const shm = ipcOwner === undefined ? undefined : shmOf(store, ipcOwner);
  return {
    namespaces: [
      ...(pidOwner === undefined ? [] : [at('pid', pidOwner)]),
      ...(ipcOwner === undefined ? [] : [at('ipc', ipcOwner)]),
    ],
    ...(shm === undefined ? {} : { shm }),
    owners: [pidOwner, ipcOwner].flatMap((owner) => owner ?? []),
  };
}

/** @throws MinidockError 'NOT_RUNNING' if one of them has ended meanwhile. */
export function stillThere({ owners }: Joined): void {
  for (const { config, state } of owners) {
    if (!isSameProcess(state.pid, state.pidStartTime)) throw notRunning(config, 'the');
  }
}

const at = (type: 'pid' | 'ipc', { state }: Container): Joined['namespaces'][number] => ({
  type,
  path: `/proc/${String(state.pid)}/ns/${type}`,
});

function running(store: ContainerStore, id: string, what: string): Container {
  const owner = store.find(id);
  const { state } = owner;
  if (!hasProgram(state) || !isSameProcess(state.pid, state.pidStartTime))
    throw notRunning(owner.config, what);
  return owner;
}

const notRunning = ({ id, name }: ContainerConfig, what: string): MinidockError =>
  new MinidockError({
    code: 'NOT_RUNNING',
    message: `failed to join ${what} namespace: container ${id} is not running`,
    hint: `Start it first: minidock start ${name}`,
  });

/** One that joined another's has that one's; a private one is in its own mount namespace, out of reach. */
function shmOf(store: ContainerStore, { config }: Container): string {
  const mode = config.spec.namespaces?.ipc;
  const next = joinedId(mode);
  if (next !== undefined) return shmOf(store, running(store, next, 'IPC'));
  if (mode === 'host') return HOST_SHM;
  if (mode === 'shareable') return shmPath(store.paths, config.id);
  throw new MinidockError({
    code: 'NOT_SHAREABLE',
    message: `failed to join IPC namespace: container ${config.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    hint: `Run ${config.name} with --ipc shareable.`,
  });
}

function refuseTracers(store: ContainerStore, owner: Container): void {
  const mode = owner.config.spec.namespaces?.pid;
  if (mode === 'host') return;
  const first = joinedId(mode) ?? owner.config.id;
  const inside = store
    .list()
    .filter(
      ({ config, state }) =>
        hasProgram(state) && [config.id, joinedId(config.spec.namespaces?.pid)].includes(first),
    );
  const tracer = inside.find(({ config }) => mayTrace(config));
  if (tracer === undefined) return;
  throw new MinidockError({
    code: 'CAN_TRACE',
    message: `cannot join the PID namespace of ${owner.config.name}: ${tracer.config.name} is in it and has CAP_SYS_PTRACE, by which it could take over the process that starts this container`,
    hint: `Run ${tracer.config.name} without the capability, and the container that looks at the others with it, last.`,
  });
}

/** A privileged one has the host's devices, and so nothing to gain. */
const mayTrace = ({ spec }: ContainerConfig): boolean =>
  !spec.privileged &&
  resolveCapabilities({
    capAdd: spec.capAdd,
    capDrop: spec.capDrop,
    privileged: false,
    lastCap: lastCapability(),
    available: availableCapabilities(),
  }).includes('CAP_SYS_PTRACE');
