/** A shim's life while its program runs: it serves, and now and then does what a client asks for. */
import type { HeldPort } from '../../../runtime/network/ports.ts';
import type { Probes } from './health/probes.ts';
import type { FirstProcess } from './launch.ts';
import type { ShimContext } from './context.ts';
import { serve } from './serve.ts';
import { rest, type Handover } from './sleep.ts';

/** Until the program has ended. Calls `held` with the ports whenever they change. */
export async function serveAndWork(
  parts: ShimContext,
  first: Pick<FirstProcess, 'pid' | 'pidfd'>,
  ports: readonly HeldPort[],
  patience: number,
  held: (ports: readonly HeldPort[]) => void,
  probes?: Probes,
  /** Of the shim that has just woken up. */
  before?: Handover,
): Promise<void> {
  let now = ports;
  let resumed = before !== undefined;
  while (
    serve(parts, first, now, rest(parts, first, now, patience, probes, before), probes, resumed) === 'work'
  ) {
    resumed = false;
    const work = parts.clients.takeWork();
    if (work === undefined) continue;
    const { changeNetworks } = await import('./network-change.ts');
    now = await changeNetworks(parts, now, work.request, work.answer);
    held(now);
  }
}
