/** Talking to the shim of a running container through its socket: attach, and wait for the end without polling. */
import { join } from 'node:path';
import type { StepTime } from '../../../../runtime/plan/step-span.ts';
import { span } from '../../../../runtime/trace.ts';
import { containerRunDir, type Paths } from '../../state/paths.ts';
import type { ShimMessage } from './shim-protocol.ts';
import { ShimConnection, type ShimHandlers } from './shim-connection.ts';

const socketPath = (paths: Paths, id: string): string => join(containerRunDir(paths, id), 'shim.sock');

export function connectShim(paths: Paths, id: string, handlers: ShimHandlers): ShimConnection {
  return new ShimConnection({ path: socketPath(paths, id) }, handlers);
}

export type ExitMessage = Extract<ShimMessage, { type: 'exited' }>;

/**
 * Resolves when the container's shim has finished with it; at once if there is no shim. undefined: the shim ended
 * without a message, or was not there; read the state file.
 */
export function waitForShim(
  paths: Paths,
  id: string,
  {
    signal,
    onStep,
    onHeard,
  }: {
    readonly signal?: AbortSignal;
    readonly onStep?: (step: StepTime) => void;
    /** From then on no step is missed. */
    readonly onHeard?: () => void;
  } = {},
): Promise<ExitMessage | undefined> {
  const lastMessage = new Promise<ExitMessage | undefined>((resolve) => {
    const connection = connectShim(paths, id, {
      output: () => undefined,
      message: (message) => {
        if (message.type === 'step') onStep?.(message);
        if (message.type === 'heard') onHeard?.();
        if (message.type === 'exited') finish(message);
        else if (message.type === 'failed') finish(undefined);
      },
      closed: () => finish(undefined),
    });
    const finish = (message: ExitMessage | undefined): void => {
      connection.close();
      resolve(message);
    };
    signal?.addEventListener('abort', () => finish(undefined), { once: true });
    connection.send({ type: 'wait', explain: onStep !== undefined });
  });
  return span('wait', `wait for shim ${id.slice(0, 12)}`, () => lastMessage);
}

/** Leaves a terminal, of which this process holds the master, to the container's shim. */
export function leaveTerminal(paths: Paths, id: string, master: number): Promise<void> {
  return new Promise((resolve) => {
    const connection = connectShim(paths, id, {
      output: () => undefined,
      message: (message) => {
        if (message.type !== 'adopted') return;
        connection.close();
        resolve();
      },
      // The shim is gone, and with it the container and the terminal's users.
      closed: resolve,
    });
    connection.send({ type: 'adopt-terminal', pid: process.pid, fd: master });
  });
}
