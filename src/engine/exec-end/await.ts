/**
 * `minidock __exec-end`: waits for the end of a detached exec, whose command has gone, and records exec_die. It
 * hibernates at once (shim/sleep.ts): a page that polls the pipe by which the reaper of the program sends its status.
 * The program itself has no descriptor of that pipe. A reaper that is killed leaves no status, and no event.
 */
import { openSync, readFileSync, readSync } from 'node:fs';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { exitStatusOf } from '../../../runtime/syscall/descriptors.ts';
import { POLLIN } from '../../../runtime/syscall/loops.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { withStatus } from '../state/events/exec-events.ts';
import { becomeStub } from '../shim/sleep.ts';
import type { ExecEnd } from './start.ts';

const [RESULT, REQUEST] = [3, 4];
const STATUS_SIZE = 4;

/** `woken`: what the stub executes it with. */
export function awaitExecEnd(woken: string | undefined): void {
  if (woken === undefined) {
    const executable = openSync('/proc/self/exe', O_PATH);
    const sources = [{ fd: RESULT, events: POLLIN }];
    becomeStub({ sources, executable, kept: [RESULT, REQUEST], words: ['woken'] });
  }
  const status = Buffer.alloc(STATUS_SIZE);
  // Where no stub can be executed, this waits.
  if (readSync(RESULT, status) < STATUS_SIZE) return;
  const { paths, event } = JSON.parse(readFileSync(`/proc/self/fd/${String(REQUEST)}`, 'utf8')) as ExecEnd;
  recordEvent(paths, withStatus(event, exitStatusOf(status.readUInt32LE())));
}
