/** Reading a container's log for people: `--tail`, `--since`, `--until`, timestamps, and following it as it grows. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tellDamage } from './state/damage.ts';
import { LinePrinter, type LogSink, type PrintOptions } from './log-printer.ts';
import { LogReader } from './state/logs/log-reader.ts';
import { containerDir, type Paths } from './state/paths.ts';
import { waitForShim } from './shim/client/shim-client.ts';
import type { Container, ContainerStore } from './state/store.ts';
import { isActive } from './spec/container.ts';

export interface LogOptions extends PrintOptions {
  readonly follow: boolean;
  /** undefined: all. */
  readonly tail: number | undefined;
}

const logPath = (paths: Paths, id: string): string => join(containerDir(paths, id), 'container.log');

export async function readLogs(
  store: ContainerStore,
  container: Container,
  options: LogOptions,
  sink: LogSink,
): Promise<void> {
  const path = logPath(store.paths, container.config.id);
  if (!existsSync(path)) return;
  const follows = options.follow && isActive(container.state);
  const reader = new LogReader(path, {
    follow: follows,
    tail: options.tail,
    onDamage: (message) => tellDamage(new Error(message), 'That part is left out.'),
  });
  const printer = new LinePrinter(options, sink, reader.skip);
  try {
    if (!follows) return await drain(reader, printer);
    const [{ untilOver }, { watchDirectory }] = await Promise.all([
      import('./until-over.ts'),
      import('../io/watch-directory.ts'),
    ]);
    const watch = (changed: () => void): (() => void) => watchDirectory(dirname(path), changed);
    await follow(watch, reader, printer, () =>
      untilOver(store, container, waitForShim(store.paths, container.config.id)),
    );
  } finally {
    reader.close();
  }
}

async function drain(reader: LogReader, printer: LinePrinter): Promise<void> {
  for (let record = reader.next(); record !== undefined; record = reader.next()) await printer.print(record);
}

async function follow(
  watch: (changed: () => void) => () => void,
  reader: LogReader,
  printer: LinePrinter,
  ended: () => Promise<unknown>,
): Promise<void> {
  let wake: () => void = () => undefined;
  let over = false;
  const stopWatching = watch(() => wake());
  void ended().then(() => {
    over = true;
    wake();
  });
  try {
    for (;;) {
      // Armed before reading: a change between the read and the wait must not be missed.
      const changed = new Promise<void>((resolve) => (wake = resolve));
      const last = over;
      await drain(reader, printer);
      if (last) return;
      if (!over) await changed;
    }
  } finally {
    stopWatching();
  }
}
