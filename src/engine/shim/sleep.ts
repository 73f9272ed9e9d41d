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
import type { Probes, ProbesHandover } from './health/probes.ts';
import type { FirstProcess } from './launch.ts';
import type { ShimContext } from './context.ts';
import type { IdlePolicy } from './serve.ts';
import type { RelayState } from './relay-service.ts';
import type { NameServiceState } from './name-service.ts';
import type { StdioDescriptors } from './stdio.ts';
import { pollStub } from './poll-stub.ts';
import type { PollEntry } from '../../../runtime/syscall/loops.ts';

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
  readonly relays?: RelayState;
  readonly executable: number;
  /** Milliseconds without work before it slept. */
  readonly patience: number;
  /** Milliseconds since the epoch. */
  readonly asleep: number;
  /** Milliseconds between the run before and this one, see restart/policy.ts; 0 for the first. */
  readonly restartDelay: number;
  readonly probes?: ProbesHandover;
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
  parts: ShimContext,
  first: Pick<FirstProcess, 'pid' | 'pidfd'>,
  ports: readonly HeldPort[],
  patience: number,
  probes?: Probes,
  /** Of the shim before it: kept while only probes wake it up. */
  before?: Pick<Handover, 'patience' | 'asleep'>,
): IdlePolicy {
  return {
    patience,
    sleep(sources, calm) {
      const executable = openSync('/proc/self/exe', O_PATH);
      const nap = (calm ? before : undefined) ?? { patience, asleep: Date.now() };
      const handover: Handover = {
        id: parts.config.id,
        paths: parts.store.paths,
        first: { pid: first.pid, pidfd: first.pidfd },
        lock: parts.lock.fd,
        clients: parts.clients.handOver(),
        stdio: parts.stdio.handOver(),
        ports,
        names: parts.names.handOver(),
        relays: parts.relays.handOver(),
        executable,
        patience: nap.patience,
        asleep: nap.asleep,
        restartDelay: parts.restartDelay,
        ...(probes === undefined ? {} : { probes: probes.handOver() }),
      };
      becomeStub({
        sources,
        executable,
        kept: descriptorsOf(handover),
        words: [JSON.stringify(handover)],
        until: probes?.due,
      });
    },
  };
}

const FIRST_OWN = 3;

const descriptorsOf = ({
  first,
  lock,
  clients,
  stdio,
  ports,
  names,
  relays,
  probes,
}: Handover): readonly number[] => [
  first.pidfd,
  ...(probes?.running === undefined ? [] : [probes.running.pidfd]),
  lock,
  clients.listener,
  ...clients.waiting,
  ...stdio.outputs.map(({ fd }) => fd),
  ...(stdio.stdin === undefined ? [] : [stdio.stdin]),
  ...ports.map(({ fd }) => fd),
  ...(names === undefined ? [] : [names.udp, names.tcp]),
  ...(names?.running === undefined ? [] : [names.running.pipe]),
  ...(relays?.running ?? []).map(({ pipe }) => pipe),
];

export interface Hibernation {
  readonly sources: readonly PollEntry[];
  /** Of what is executed then; closed if it cannot be done. */
  readonly executable: number;
  /** Descriptors that the next shim gets. All others, the engine's own above all, go. */
  readonly kept: readonly number[];
  /** Arguments of the next shim, behind its request. */
  readonly words: readonly string[];
  /** Milliseconds since the epoch: when it wakes up if nothing comes. */
  readonly until?: number | undefined;
}

/** Executes the poll stub in this one's place; returns only if that cannot be done, with all as it was. */
export function becomeStub({ sources, executable, kept, words, until }: Hibernation): void {
  try {
    const image = createMemoryFile('minidock');
    const timeout = until === undefined ? undefined : Math.max(until - Date.now(), 0);
    writeSync(image, pollStub(process.arch, sources, executable, timeout));
    execKeeping([executable, ...kept], `/proc/self/fd/${String(image)}`, words);
  } catch (error) {
    warnStderr(`the shim stays awake: ${(error as Error).message}`);
    closeSync(executable);
    kernel.closeRange(FIRST_OWN, true);
  }
}

/** execve(2) of `path` as `minidock __shim REQUEST`, by which a shim is known, and what the next one is to know. */
export function execKeeping(kept: readonly number[], path: string, words: readonly string[]): void {
  kernel.closeRange(FIRST_OWN, true);
  for (const fd of kept) setCloseOnExec(fd, false);
  const [program = '', role = '', request = ''] = readFileSync('/proc/self/cmdline', 'utf8').split('\0');
  kernel.execve(path, [program, role, request, ...words], environment());
}

const environment = (): readonly string[] =>
  Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);

/** The other end, first thing after waking up: nothing that is started from here on may inherit any of it. */
export function takeOver<T extends { readonly executable: number } = Handover>(text: string): T {
  kernel.closeRange(FIRST_OWN, true);
  setProcessName('minidock');
  const handover = JSON.parse(text) as T;
  closeSync(handover.executable);
  return handover;
}
