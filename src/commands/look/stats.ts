/**
 * `stats`: what containers use, once or as a table that is written over in place: each line and the rest of the screen
 * are cleared as they are written, in one write, so that nothing flickers.
 */
import { delay } from '../../../runtime/io/delay.ts';
import { fitForTerminal } from '../../../runtime/printable.ts';
import { formatList } from '../../docker/format.ts';
import { statsRow, STATS_STYLE, type Measured } from '../../docker/stats-row.ts';
import type { Engine } from '../../engine/engine.ts';
import { readUsage, type Usage } from '../../engine/look/usage.ts';
import { findContainer, listContainers, reconcile } from '../../engine/reconcile.ts';
import { hasProgram } from '../../engine/spec/container.ts';
import type { Container } from '../../engine/state/store.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { Verb } from '../shared/verb.ts';

interface StatsFlags {
  readonly all?: boolean;
  readonly stream: boolean;
  readonly trunc: boolean;
  readonly format?: string;
}

/** Milliseconds between two looks; for the first picture, or the only one, less will do. */
const INTERVAL = 1000;
const FIRST = 250;

export const stats: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] [CONTAINER...]')
      .argument('[containers...]')
      .option('-a, --all', 'Show all containers (default shows just running)')
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .option('--no-stream', 'Disable streaming stats and only pull the first result')
      .option('--no-trunc', 'Do not truncate output')
      .action(async (names: readonly string[], flags: StatsFlags) => {
        // A name of none is a mistake; one that goes later is not.
        for (const name of names) await findContainer(engine.containers, name);
        let before = sample(await chosen(engine, names, flags));
        for (let wait = FIRST; ; wait = INTERVAL) {
          await delay(wait);
          const containers = await chosen(engine, names, flags);
          const now = sample(containers);
          const measured = containers.map(({ called, container: { config } }): Measured => ({
            called,
            id: config.id,
            name: config.name,
            now: now.get(config.id),
            before: before.get(config.id),
          }));
          await show(measured, flags);
          if (!flags.stream) return;
          before = now;
        }
      });
  },
};

interface Chosen {
  readonly called: string;
  readonly container: Container;
}

async function chosen(
  { containers }: Engine,
  names: readonly string[],
  flags: StatsFlags,
): Promise<readonly Chosen[]> {
  if (names.length === 0) {
    const all = await listContainers(containers);
    return all
      .filter(({ state }) => flags.all === true || hasProgram(state))
      .map((container) => ({ called: container.config.id.slice(0, 12), container }));
  }
  const found: Chosen[] = [];
  for (const called of names) {
    try {
      const container = await reconcile(containers, containers.find(called));
      if (container !== undefined) found.push({ called, container });
    } catch (error) {
      // Removed since: the others are still looked at.
      if ((error as { code?: string }).code !== 'NO_SUCH_CONTAINER') throw error;
    }
  }
  return found;
}

function sample(containers: readonly Chosen[]): ReadonlyMap<string, Usage> {
  const running = containers.filter(({ container }) => hasProgram(container.state));
  return new Map(running.map(({ container }) => [container.config.id, readUsage(container)]));
}

async function show(measured: readonly Measured[], { trunc, format, stream }: StatsFlags): Promise<void> {
  const rows = measured.map((one) => statsRow(one, !trunc));
  const text = await formatList(rows, STATS_STYLE, format === undefined ? {} : { format });
  if (!stream || !stdout.isTTY) stdout.writeData(text);
  else stdout.writeRaw(`\x1b[H${fitForTerminal(text).replaceAll('\n', '\x1b[K\n')}\x1b[J`);
}
