/**
 * Notifications of a directory, inotify(7), as something to look again at. Bun leaves out a change that comes within a
 * millisecond of the last one like it, so what was written last would stay unseen until somebody writes again: some
 * milliseconds after a change comes one more look. Nothing happens while nothing changes.
 */
import { watch } from 'node:fs';

/** Milliseconds. */
const AGAIN = 20;

/** Calls back after each change, at least, until what it returns is called. */
export function watchDirectory(path: string, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(path, () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      changed();
    }, AGAIN);
    changed();
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
