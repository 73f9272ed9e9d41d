/**
 * Starting the process of a shim. It gets the container's id on its command line, by which other commands find it,
 * and everything else in the first frame on its descriptor 3. So `run` can start it before it parses its own flags,
 * and the two start up concurrently. A shim without a first frame exits with its command.
 */
import { closeSync } from 'node:fs';
import { spawn } from '../../../../runtime/io/spawn.ts';
import { socketPair } from '../../../../runtime/syscall/sockets.ts';
import { spanStart } from '../../../../runtime/trace.ts';
import { newId } from '../../spec/ids.ts';

/**
 * JavaScriptCore is to compile only what runs ten times as often as by default: a start runs everything a few times,
 * and compiling that takes a sixth of the shim's processor time. The loop that writes a log still gets there at once.
 */
const PATIENT: Readonly<Record<string, string>> = { BUN_JSC_thresholdForJITAfterWarmUp: '5000' };

/** A shim that has no container yet. */
export interface WaitingShim {
  /** Of the container it will have. */
  readonly id: string;
  /** A connected socket to it, owned by who has this. */
  readonly control: number;
}

/** Before there is a container. undefined where none can be started: it is tried again when there is one, and the error is reported then. */
export function startShimAhead(): WaitingShim | undefined {
  const id = newId();
  try {
    return { id, control: startShim(id) };
  } catch {
    return undefined;
  }
}

/**
 * A connected socket to the container's shim, owned by the caller. Our standard error is the shim's until it has its
 * log: it says there what keeps it from starting. @throws what spawn throws.
 */
export function startShim(id: string): number {
  const { here, there } = socketPair();
  try {
    const words = [process.execPath, '__shim', JSON.stringify({ id })] as const;
    spanStart('start the shim', () =>
      spawn(words, {
        stdio: ['ignore', 'ignore', 2, there],
        env: { ...process.env, ...PATIENT },
        cwd: '/',
        detached: true,
      }),
    ).unref();
    return here;
  } catch (error) {
    closeSync(here);
    throw error;
  } finally {
    closeSync(there);
  }
}
