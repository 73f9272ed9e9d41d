/** The shim's steady state: the container's output to its log and its clients, their input to it, until it ends. */
import { closeSync } from 'node:fs';
import type { HeldPort } from '../../../runtime/network/ports.ts';
import { POLLIN } from '../../../runtime/syscall/loops.ts';
import { killNow } from '../../../runtime/cgroup/processes.ts';
import { cgroupsPath } from '../state/paths.ts';
import type { FirstProcess } from './launch.ts';
import type { Probes } from './health/probes.ts';
import type { ShimContext } from './context.ts';
import { serveOnce, type Source } from './poll-loop.ts';

/** What to do when there is nothing to do. */
export interface IdlePolicy {
  /** Milliseconds without anything before it. */
  readonly patience: number;
  /** Waits for any of the descriptors; returns only if it cannot be done. `calm`: only probes came since the last time. */
  sleep(sources: readonly Source[], calm: boolean): void;
}

/** Milliseconds awake for a probe alone. */
const MOMENT = 20;

const waking = (sources: readonly Source[], wake: () => void): readonly Source[] =>
  sources.map((source) => ({
    fd: source.fd,
    events: source.events,
    ready: () => {
      wake();
      source.ready();
    },
  }));

/**
 * Returns when the first process has ended and all that was written has been logged and handed on; 'work' when a client
 * wants something that takes its time, after which this is to be called again.
 */
export function serve(
  { clients, config, stdio, names, relays }: ShimContext,
  { pidfd }: Pick<FirstProcess, 'pidfd'>,
  ports: readonly HeldPort[],
  rest: IdlePolicy,
  probes?: Probes,
  /** The shim has just woken up, for a probe or for anything else. */
  resumed = false,
): 'ended' | 'work' {
  let stayAwake = false;
  /** Only probes came since the last time, which are no reason to stay awake. */
  let calm = resumed && probes !== undefined;
  let idleSince = Date.now() - (resumed ? rest.patience - MOMENT : 0);
  const wake = (): void => {
    calm = false;
    idleSince = Date.now();
  };
  let running = true;
  const ended = (): void => {
    running = false;
    // With its own PID namespace the kernel ends the others. Here they would keep its output open.
    if (config.spec.namespaces?.pid !== undefined) killNow(cgroupsPath(config));
  };
  const end: Source = { fd: pidfd, events: POLLIN, ready: ended };
  while (running || stdio.unread) {
    if (running && clients.hasWork) return 'work';
    const own = [
      ...clients.sources(stdio.full),
      ...stdio.sources(),
      ...(running ? [end] : []),
      ...relays.sources(ports),
      ...names.sources(),
    ];
    const sources = probes === undefined ? own : [...waking(own, wake), ...probes.sources()];
    const idle = running && !stayAwake && clients.quiet && !stdio.full;
    const patience = !idle
      ? Infinity
      : probes === undefined
        ? rest.patience
        : idleSince + rest.patience - Date.now();
    const left = running && probes !== undefined ? probes.due - Date.now() : Infinity;
    const wait = Math.min(patience, left);
    if (serveOnce(sources, wait === Infinity ? -1 : Math.max(wait, 0))) continue;
    if (running && probes !== undefined && probes.due <= Date.now()) {
      probes.act();
      continue;
    }
    rest.sleep(sources, calm);
    stayAwake = true;
  }
  probes?.end();
  closeSync(pidfd);
  return 'ended';
}
