/** Starting a container and staying tied to it until it ends: `run` and `start -a`. */
import type { Paths } from './state/paths.ts';
import { runForeground } from './foreground.ts';
import type { ShimRequest } from './shim/client/shim-protocol.ts';
import { fromWire, launchShim, shimLost, type StartOptions } from './start.ts';
import { terminalSize } from '../io/terminal-size.ts';

export interface AttachedStart extends StartOptions {
  readonly attach: ShimRequest['attach'];
  readonly tty: boolean;
  readonly detachKeys: string;
  readonly onSignal?: (signal: NodeJS.Signals) => void;
}

/** Returns the program's exit status, 0 when the terminal was detached. @throws what the shim reports. */
export async function startAttached(paths: Paths, id: string, start: AttachedStart): Promise<number> {
  const { attach, tty, detachKeys, onSignal, onMessage, shim } = start;
  const { explain = false, step = false, forget = false } = start;
  const size = tty ? terminalSize() : undefined;
  const request = { id, ...paths, explain, step, forget, attach, ...(size === undefined ? {} : { size }) };
  const end = await runForeground(
    (handlers) => launchShim(request, handlers, shim),
    {
      tty,
      held: step,
      stdin: attach.stdin,
      detachKeys,
      ...(onSignal === undefined ? {} : { onSignal }),
    },
    onMessage,
  );
  switch (end.kind) {
    case 'exited':
      return end.exitCode;
    case 'detached':
      return 0;
    case 'failed':
      throw fromWire(end.error);
    case 'lost':
      throw shimLost(paths, id);
  }
}
