/** `top`: the processes of a container, as the host's ps tells them. */
import { oneLine } from '../../../runtime/printable.ts';
import { listProcesses } from '../../engine/look/processes.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { containerEvent } from '../../engine/state/events/events.ts';
import { stdout } from '../../io/standard-streams.ts';
import { alignColumns } from '../../ui/table.ts';
import type { Verb } from '../shared/verb.ts';

/** Docker's columns are wider here than in its other tables. */
const WIDTH = 20;

export const top: Verb = {
  configure(command, { engine }) {
    command
      .usage('CONTAINER [ps OPTIONS]')
      .argument('<container>')
      .argument('[options...]')
      .passThroughOptions()
      .allowUnknownOption()
      .action(async (name: string, options: readonly string[]) => {
        const container = await findContainer(engine.containers, name);
        const { titles, rows } = await listProcesses(container, options);
        recordEvent(engine.paths, containerEvent(container.config, 'top'));
        const lines = [titles, ...rows].map((cells) => cells.map(oneLine).join('\t'));
        stdout.write(`${alignColumns(lines.join('\n'), WIDTH)}\n`);
      });
  },
};
