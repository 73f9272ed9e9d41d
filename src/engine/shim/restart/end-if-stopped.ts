/** Who stopped a container while it was being started again had nobody to send a signal to. */
import { readByHand } from '../../life/manual-stop.ts';
import { signalProcess } from '../../signal-process.ts';
import { startTime } from '../../state/process-identity.ts';
import { isHeld } from './policy.ts';
import type { ShimContext } from '../context.ts';

const SIGKILL = 9;

export function endIfStopped({ store, config }: ShimContext, pid: number): void {
  if (isHeld(readByHand(store.paths, config.id))) signalProcess(pid, startTime(pid) ?? '', SIGKILL);
}
