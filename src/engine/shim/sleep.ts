/**
 * Hibernation: an idle shim executes a program of one page in its place (poll-stub.ts), which polls the same descriptors
 * and executes the shim again when one is ready. It stays the same process, so the container's first process stays
 * its child and locks stay held; it needs only descriptors and a few arguments to resume. poll(2) reports states, not
 * changes: the second program still sees events between the two.
 *
 * An open descriptor keeps the executable, even if its file is replaced or removed.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { HeldPort } from '../../../runtime/network/ports.ts';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { createMemoryFile, setCloseOnExec, setProcessName } from '../../../runtime/syscall/descriptors.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { warnStderr } from '../../io/warn-stderr.ts';
import type { Paths } from '../state/paths.ts';
import type { ClientDescriptors } from './clients.ts';
import type { FirstProcess } from './launch.ts';
import type { ShimParts } from './parts.ts';
import type { Rest } from './serve.ts';
import type { NameServiceState } from './name-service.ts';
import type { StdioDescriptors } from './stdio.ts';
import { pollStub } from './poll-stub.ts';

/** The state that a shim passes to itself through hibernation, above all descriptor numbers. */
export interface Handover {
  readonly id: string;
  readonly paths: Paths;
  readonly first: Pick<FirstProcess, 'pid' | 'pidfd'>;
  readonly lock: number;
  readonly clients: ClientDescriptors;
  readonly stdio: StdioDescriptors;
  readonly ports: readonly HeldPort[];
  readonly names?: NameServiceState | undefined;
  readonly executable: number;
  /** Milliseconds without work before it slept. */
  readonly patience: number;
  /** Milliseconds since the epoch. */
  readonly asleep: number;
}

/** Milliseconds. A nap costs 10 to 15 ms of processor time, being awake some 11 MB of memory. */
const SHORT = 1_000;
const LONG = 60_000;
/** A nap must save this many times the wait before it, or the next wait is twice as long. */
const WORTH = 10;

/** How long to be idle before sleeping: a container that writes a line a second is not put to bed in between. */
export function patienceAfter(nap?: { readonly patience: number; readonly slept: number }): number {
  if (nap === undefined || nap.slept >= nap.patience * WORTH) return SHORT;
  return Math.min(nap.patience * 2, LONG);
}

/** `rest` for serve(): sleeping, with all that has to outlast it. */
export function rest(
  parts: ShimParts,
  first: Pick<FirstProcess, 'pid' | 'pidfd'>,
  ports: readonly HeldPort[],
  patience: number,
): Rest {
  return {
    patience,
    sleep(sources) {
      const executable = openSync('/proc/self/exe', O_PATH);
      const handover: Handover = {
        id: parts.config.id,
        paths: parts.store.paths,
        first: { pid: first.pid, pidfd: first.pidfd },
        lock: parts.lock.fd,
        clients: parts.clients.handOver(),
        stdio: parts.stdio.handOver(),
        ports,
        names: parts.names.handOver(),
        executable,
        patience,
        asleep: Date.now(),
      };
      try {
        const image = createMemoryFile('minidock');
        writeSync(image, pollStub(process.arch, sources, executable));
        keepThroughExec(handover);
        kernel.execve(`/proc/self/fd/${String(image)}`, commandLine(handover), environment());
      } catch (error) {
        warnStderr(`the shim stays awake: ${(error as Error).message}`);
        closeSync(executable);
        kernel.closeRange(FIRST_OWN, true);
      }
    },
  };
}

const FIRST_OWN = 3;

function keepThroughExec({ first, lock, clients, stdio, ports, names, executable }: Handover): void {
  // All that is not named here, the engine's own above all, goes.
  kernel.closeRange(FIRST_OWN, true);
  const kept = [
    first.pidfd,
    lock,
    executable,
    clients.listener,
    ...clients.waiting,
    ...stdio.outputs.map(({ fd }) => fd),
    ...(stdio.stdin === undefined ? [] : [stdio.stdin]),
    ...ports.map(({ fd }) => fd),
    ...(names === undefined ? [] : [names.udp, names.tcp]),
    ...(names?.running === undefined ? [] : [names.running.pipe]),
  ];
  for (const fd of kept) setCloseOnExec(fd, false);
}

/** `minidock __shim REQUEST`, by which a shim is known, and what the next one is to know. */
function commandLine(handover: Handover): readonly string[] {
  const [program = '', role = '', request = ''] = readFileSync('/proc/self/cmdline', 'utf8').split('\0');
  return [program, role, request, JSON.stringify(handover)];
}

const environment = (): readonly string[] =>
  Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);

/** The other end, first thing after waking up: nothing that is started from here on may inherit any of it. */
export function takeOver(text: string): Handover {
  kernel.closeRange(FIRST_OWN, true);
  setProcessName('minidock');
  const handover = JSON.parse(text) as Handover;
  closeSync(handover.executable);
  return handover;
}
