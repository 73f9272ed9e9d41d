/**
 * Run by Bun: reserves ports for a test that runs on Node. Each line of its input is a command, each line of its
 * output the answer: `{"reserve": [request, …]}` gives `{"bindings": […]}` or `{"error": {…}}`, `{"release": true}`
 * gives back the last reservation, `{"refuse": true}` waits for a connection to the last port and closes it.
 */
import { createInterface } from 'node:readline';
import type { MinidockError } from '../../../runtime/errors.ts';
import type { PortRequest } from '../../../runtime/network/types.ts';
import { refuseConnections, releasePorts, reservePorts } from '../../../runtime/network/ports.ts';
import { poll, POLLIN } from '../../../runtime/syscall/loops.ts';

interface Command {
  readonly reserve?: readonly PortRequest[];
  readonly release?: true;
  readonly refuse?: true;
}

const reservations: ReturnType<typeof reservePorts>[] = [];

function perform(command: Command): object {
  if (command.reserve !== undefined) {
    try {
      const reservation = reservePorts(command.reserve);
      reservations.push(reservation);
      return { bindings: reservation.bindings };
    } catch (error) {
      const { code, message, hint, exitCode } = error as MinidockError;
      return { error: { code, message, hint, exitCode } };
    }
  }
  if (command.release === true) releasePorts(reservations.pop()?.held ?? []);
  if (command.refuse === true) {
    const fd = reservations.at(-1)?.held[0]?.fd ?? -1;
    poll([{ fd, events: POLLIN }], 5000);
    refuseConnections(fd);
  }
  return {};
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(perform(JSON.parse(line) as Command)));
}
