/**
 * Starting the process of a shim. It is told the container's id on its command line, by which it is found, and all
 * else in the first frame on its descriptor 3: so `run` can start it before its own command line is understood, and
 * the two start up side by side. One that hears nothing before its command is gone goes too.
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

let early: { readonly id: string; readonly control: number } | undefined;

/** For a command line that will most likely start one new container. */
export function startShimEarly(argv: readonly string[]): void {
  const run = argv[0] === 'run' || (argv[0] === 'container' && argv[1] === 'run');
  const starts = run && !argv.includes('--help') && !argv.includes('--dry-run');
  if (!starts || process.geteuid?.() !== 0) return;
  const id = newId();
  try {
    early = { id, control: startShim(id) };
  } catch {
    // Tried again when there is a container to start, and told of then.
  }
}

/** The id of a new container: the one its shim has been told already, if there is one. */
export const idForNew = (): string => early?.id ?? newId();

/** A connected socket to the container's shim, now owned by the caller. @throws what spawn throws. */
export function shimFor(id: string): number {
  if (early?.id !== id) return startShim(id);
  const { control } = early;
  early = undefined;
  return control;
}

/** Our standard error is the shim's until it has its log: whatever keeps it from starting is told there. */
function startShim(id: string): number {
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
