/** `events`: past events, and new ones until --until or a signal ends it. */
import { printable } from '../../../runtime/printable.ts';
import { EventReader, type RecordedEvent } from '../../engine/state/events/event-reader.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { nowNs } from '../../engine/spec/time.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { matchEvent, parseEventFilters, wrongInterval } from '../../docker/event-filter.ts';
import { eventFormatter } from '../../docker/event-message.ts';
import { stdout } from '../../io/standard-streams.ts';
import { parseInstant } from '../../ui/time.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface EventsFlags {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly since?: string;
  readonly until?: string;
}

export const events: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('-f, --filter <filter>', 'Filter output based on conditions provided', collect)
      .option('--format <string>', "Format output: 'json' or a Go template")
      .option('--since <string>', 'Show all events created since timestamp')
      .option('--until <string>', 'Stream events until this timestamp')
      .action(async (flags: EventsFlags) => {
        requireRoot('events');
        const now = nowNs();
        const instant = (flag: 'since' | 'until'): bigint | undefined =>
          flags[flag] === undefined || flags[flag] === '' ? undefined : parseInstant(flags[flag], now, flag);
        const [since, until] = [instant('since'), instant('until')];
        if (since !== undefined && until !== undefined && since > until) {
          throw wrongInterval(flags.since ?? '', flags.until ?? '');
        }
        const filters = parseEventFilters(flags.filter ?? []);
        const format = eventFormatter(flags.format);
        // Docker prints past events if either end is given.
        const from = since ?? (until === undefined ? now : 0n);
        await tellEvents(engine.paths, from, until, async (event) => {
          if (!matchEvent(filters, event)) return;
          const text = `${format(event)}\n`;
          await stdout.writePatiently(Buffer.from(stdout.isTTY ? printable(text) : text));
        });
      });
  },
};

/** Those between the two, then those that follow; resolves when `until` has passed. */
async function tellEvents(
  paths: Paths,
  from: bigint,
  until: bigint | undefined,
  tell: (event: RecordedEvent) => Promise<void>,
): Promise<void> {
  const reader = new EventReader(paths);
  let wake: () => void = () => undefined;
  const stopWatching = reader.watch(() => wake());
  let timer: NodeJS.Timeout | undefined;
  try {
    for (;;) {
      // Armed before reading: a change between the read and the wait must not be missed.
      const changed = new Promise<void>((resolve) => (wake = resolve));
      const isOver = until !== undefined && nowNs() >= until;
      for (const event of reader.read()) {
        if (event.time >= from && (until === undefined || event.time <= until)) await tell(event);
      }
      if (isOver) return;
      if (until !== undefined) timer ??= setTimeout(() => wake(), waitFor(until));
      await changed;
      if (until !== undefined && nowNs() < until) continue;
      timer = undefined;
    }
  } finally {
    clearTimeout(timer);
    stopWatching();
    reader.close();
  }
}

/** Milliseconds, rounded up; no more than a timer takes. */
const waitFor = (until: bigint): number => Math.min(Number((until - nowNs()) / 1_000_000n) + 1, 0x7fff_ffff);
