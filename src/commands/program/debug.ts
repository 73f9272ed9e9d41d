/**
 * -D: a line on standard error for each thing this process does, when it has done it. The same as MINIDOCK_TRACE
 * records, of this process alone: what the shim and PID 1 do is told by --explain and MINIDOCK_TRACE.
 */
import { oneLine } from '../../../runtime/printable.ts';
import { listenToTrace } from '../../../runtime/trace.ts';
import { stderr } from '../../io/standard-streams.ts';

export function tellDebug(): void {
  listenToTrace((event) => {
    if (event.type !== 'span') return;
    const { kind, name, ms, args } = event;
    const { error } = args;
    const failed = typeof error === 'string' ? `: failed: ${oneLine(error)}` : '';
    // A terminal may have been handed over to the container, and then does not go back to its left by itself.
    const end = stderr.isTTY ? '\r\n' : '\n';
    stderr.write(`debug: ${kind}: ${oneLine(name)} (${ms.toFixed(1)} ms)${failed}${end}`);
  });
}
