/** That a container runs, in its record: by which process, looked after by which shim, since when, and where. */
import { existsSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import type { AcquiredNetwork } from '../network/networking.ts';
import { timestamp } from '../spec/time.ts';
import { recordEvents } from '../state/events/event-log.ts';
import { startEvents } from '../state/events/events.ts';
import { containerDir } from '../state/paths.ts';
import { bootId, startTime } from '../state/process-identity.ts';
import type { ShimContext } from './context.ts';

export function recordRunning(
  { store, config }: ShimContext,
  pid: number,
  network: AcquiredNetwork,
  firstId: number | undefined,
  which: 'first' | 'again',
): void {
  if (!existsSync(containerDir(store.paths, config.id))) {
    throw new MinidockError({
      code: 'INTERNAL',
      message: 'the container vanished while it was started',
    });
  }
  const before = store.readState(config.id);
  store.writeState(config.id, {
    ...before,
    status: 'running',
    pid,
    pidStartTime: startTime(pid) ?? '',
    shimPid: process.pid,
    shimStartTime: startTime(process.pid) ?? '',
    exitCode: 0,
    error: '',
    oomKilled: false,
    startedAt: timestamp(),
    bootId: bootId(),
    network: network.state,
    firstId,
    logLoss: undefined,
    restartCount: which === 'again' ? before.restartCount : undefined,
  });
  recordEvents(store.paths, startEvents(config, network.state));
}
