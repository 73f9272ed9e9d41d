/** What a shim holds while its container runs, however it came by it: by starting the container, or by waking up. */
import { join } from 'node:path';
import { Journal } from '../../../runtime/plan/journal.ts';
import { netnsName } from '../../../runtime/network/names.ts';
import { fetchTerminal } from '../../../runtime/process/supervise.ts';
import { warnStderr } from '../../io/warn-stderr.ts';
import { DEFAULT_LOG, type ContainerConfig } from '../spec/container.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { resizeEvent } from '../state/events/events.ts';
import type { Lock } from '../state/lock.ts';
import { isSameProcess } from '../state/process-identity.ts';
import { LogWriter } from '../state/logs/log-file.ts';
import { zonePath } from '../network/naming.ts';
import { containerDir, containerRunDir } from '../state/paths.ts';
import type { ContainerStore } from '../state/store.ts';
import { Clients } from './clients.ts';
import { NameService } from './name-service.ts';
import { RelayService } from './relay-service.ts';
import { ContainerStdio } from './stdio.ts';

/** Milliseconds: a program that looks up names often keeps its resolver, which costs some 11 MB meanwhile. */
const RESOLVER_IDLE = 10_000;

export interface ShimContext {
  readonly store: ContainerStore;
  readonly config: ContainerConfig;
  readonly lock: Lock;
  readonly log: LogWriter | undefined;
  readonly clients: Clients;
  readonly stdio: ContainerStdio;
  readonly names: NameService;
  readonly relays: RelayService;
  /** Milliseconds between the run before and this one, see restart/policy.ts; 0 for the first. */
  readonly restartDelay: number;
}

export function assembleShim(
  store: ContainerStore,
  config: ContainerConfig,
  lock: Lock,
  restartDelay = 0,
): ShimContext {
  const { tty, openStdin, attachStdin } = config.spec;
  const log = openLog(store, config);
  const clients: Clients = new Clients({
    input: (bytes) => stdio.input(bytes),
    inputEnded: () => {
      // Docker's StdinOnce: input ends with the client that `run -i` attached; `-d -i` keeps it open.
      if (attachStdin) stdio.closeInput();
    },
    resized: (rows, columns) => {
      stdio.resize(rows, columns);
      if (tty) recordEvent(store.paths, resizeEvent(config, { rows, columns }));
    },
    terminalLeft: (pid, fd) => stdio.discard(fetchTerminal(pid, fd)),
    ownerLost: () => killProgram(store, config.id),
  });
  const stdio = new ContainerStdio(log, clients, { tty, openStdin });
  const names = new NameService({
    ...{ paths: store.paths, zone: zonePath(store.paths, config.id), netns: netnsName(config.id) },
    idle: RESOLVER_IDLE,
  });
  const relays = new RelayService();
  return { store, config, lock, log, clients, stdio, names, relays, restartDelay };
}

/** PID 1 of the container: all others end with it. It may have ended already. */
function killProgram(store: ContainerStore, id: string): void {
  const { pid, pidStartTime } = store.readState(id);
  if (pid !== 0 && isSameProcess(pid, pidStartTime)) process.kill(pid, 'SIGKILL');
}

function openLog(store: ContainerStore, { id, spec }: ContainerConfig): LogWriter | undefined {
  const { driver, maxSize, maxFiles } = spec.log ?? DEFAULT_LOG;
  if (driver === 'none') return undefined;
  return new LogWriter(
    join(containerDir(store.paths, id), 'container.log'),
    { maxSize, maxFiles },
    (loss) => {
      try {
        store.writeState(id, { ...store.readState(id), logLoss: loss });
      } catch (error) {
        warnStderr(`that output is missing from the log could not be recorded: ${(error as Error).message}`);
      }
    },
  );
}

export const journalOf = ({ store, config }: ShimContext): Journal =>
  new Journal(join(containerRunDir(store.paths, config.id), 'journal'));
