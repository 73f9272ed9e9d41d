/** Starts the process that records the end of a detached exec (await.ts). */
import { writeSync } from 'node:fs';
import { spawn } from '../../../runtime/io/spawn.ts';
import { createMemoryFile } from '../../../runtime/syscall/descriptors.ts';
import type { NewEvent } from '../state/events/event-log.ts';
import type { Paths } from '../state/paths.ts';

export interface ExecEnd {
  readonly paths: Paths;
  /** The event, but for the status. */
  readonly event: NewEvent;
}

/** `result` gets the status as wait4(2) writes it. The request is a file in memory: everyone may read a command line. */
export function startWaiting(paths: Paths, event: NewEvent, result: number): void {
  const request: ExecEnd = { paths, event };
  const file = createMemoryFile('minidock');
  writeSync(file, JSON.stringify(request));
  spawn([process.execPath, '__exec-end', ''], {
    stdio: ['ignore', 'ignore', 'ignore', result, file],
    cwd: '/',
    detached: true,
    env: {},
  }).unref();
}
