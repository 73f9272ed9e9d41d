/** A shim's life while its program runs: it serves, and now and then does what a client asks for. */
import type { HeldPort } from '../../../runtime/network/ports.ts';
import type { FirstProcess } from './launch.ts';
import type { ShimParts } from './parts.ts';
import { serve } from './serve.ts';
import { rest } from './sleep.ts';

/** Until the program has ended. Calls `held` with the ports whenever they change. */
export async function serveAndWork(
  parts: ShimParts,
  first: Pick<FirstProcess, 'pid' | 'pidfd'>,
  ports: readonly HeldPort[],
  patience: number,
  held: (ports: readonly HeldPort[]) => void,
): Promise<void> {
  let now = ports;
  while (serve(parts, first, now, rest(parts, first, now, patience)) === 'work') {
    const work = parts.clients.takeWork();
    if (work === undefined) continue;
    const { changeNetworks } = await import('./network-change.ts');
    now = await changeNetworks(parts, now, work.request, work.answer);
    held(now);
  }
}
