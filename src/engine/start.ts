/**
 * Starting a container from the command's side: launch its shim, watch the events on the socketpair between them.
 * The shim is in a session of its own, so neither this command's end nor its terminal's hang-up reaches it.
 */
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import { containerDir, type Paths } from './state/paths.ts';
import { ShimConnection, type ShimHandlers } from './shim/client/shim-connection.ts';
import { startShim, type WaitingShim } from './shim/client/shim-process.ts';
import type { MessageHandler, ShimRequest, WireError } from './shim/client/shim-protocol.ts';

/** Hands the request to `shim`, which waits for this container, or else to a new one. */
export function launchShim(
  request: ShimRequest,
  handlers: ShimHandlers,
  shim: WaitingShim | undefined,
): ShimConnection {
  let control: number;
  try {
    control = shim?.control ?? startShim(request.id);
  } catch (error) {
    throw new MinidockError(cannotLaunch((error as Error).message));
  }
  const connection = new ShimConnection({ fd: control }, handlers);
  connection.request(request);
  return connection;
}

const cannotLaunch = (reason: string): WireError => ({
  code: 'SHIM_FAILED',
  message: `cannot start the shim: ${reason}`,
  hint: 'Limits on open files (ulimit -n), processes (ulimit -u) or memory are the usual reasons.',
  exitCode: 125,
});

export interface StartOptions {
  readonly explain?: boolean;
  readonly step?: boolean;
  readonly forget?: boolean;
  readonly onMessage?: MessageHandler;
  readonly shim?: WaitingShim | undefined;
}

/** Starts detached: resolves when the program runs. @throws what the shim reports. */
export function startDetached(paths: Paths, id: string, options: StartOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const connection = launchShim(
      {
        id,
        ...paths,
        explain: options.explain ?? false,
        step: options.step ?? false,
        forget: options.forget ?? false,
        attach: { stdin: false, stdout: false, stderr: false },
      },
      {
        output: () => undefined,
        message: (message) => {
          options.onMessage?.(message, (answer) => connection.send(answer));
          if (message.type === 'failed') settle(() => reject(fromWire(message.error)));
          // A program may end at once: 'exited' then comes right behind 'started'.
          if (message.type === 'started') settle(resolve);
        },
        closed: () => settle(() => reject(shimLost(paths, id))),
      },
      options.shim,
    );
    function settle(how: () => void): void {
      if (settled) return;
      settled = true;
      connection.close();
      how();
    }
  });
}

export const fromWire = (error: WireError): MinidockError => new MinidockError(error);

export function shimLost(paths: Paths, id: string): MinidockError {
  return new MinidockError({
    code: 'SHIM_LOST',
    message: `the shim of container ${id.slice(0, 12)} ended without a word`,
    hint: `Its last words may be in ${join(containerDir(paths, id), 'shim.log')}.`,
    exitCode: 125,
  });
}
