/**
 * -D: a line on standard error for each span of this process when it ends. MINIDOCK_TRACE records the same spans;
 * --explain and MINIDOCK_TRACE also cover the shim and PID 1.
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
    // The terminal may be handed over to the container: in raw mode \n does not return to column 1.
    const end = stderr.isTTY ? '\r\n' : '\n';
    stderr.write(`debug: ${kind}: ${oneLine(name)} (${ms.toFixed(1)} ms)${failed}${end}`);
  });
}
