/**
 * Redraws after a change. `ip monitor` and `nft monitor` report netlink messages (rtnetlink(7)), inotify the names
 * below /run/netns. A change causes many messages, so it draws when they pause, and once more later for changes
 * without a message: the program in a namespace, and minidock's records.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { watch, type FSWatcher } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';

/** Milliseconds. */
const PAUSE = 80;
const AFTERWARDS = 700;

const MONITORS: readonly (readonly [program: string, ...words: string[]])[] = [
  // Messages of every namespace with a cable to this one.
  ['ip', 'monitor', 'all-nsid', 'link', 'address', 'route', 'nsid'],
  ['nft', 'monitor'],
];

/**
 * Keep the listener until the end: execa (by signal-exit) also listens while it runs programs, and kills this process
 * if it finds no other listener.
 */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface WatchOptions {
  /** Milliseconds without a message before it draws. */
  readonly pause?: number;
  /** Ends the watch, as a signal does. */
  readonly until?: AbortSignal;
  /** Gets the function that draws everything anew, for changes that only the caller knows of. */
  readonly started?: (redraw: () => void) => void;
}

/** What a drawing is for. */
export interface Change {
  /** Anything may have changed: at the start, and some time after the last message. */
  readonly all: boolean;
  /** Else this namespace, and those with these local numbers (ip-monitor(8): `[nsid 3]`). */
  readonly nsids: ReadonlySet<number>;
}

/** Draws now and after each change, until a signal. @throws MinidockError 'CANNOT_WATCH'. */
export async function watchKernel(
  draw: (change: Change) => Promise<void>,
  { pause = PAUSE, until, started }: WatchOptions = {},
): Promise<void> {
  const children: ChildProcess[] = [];
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let end = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let drawing: Promise<void> = Promise.resolve();
      let all = true;
      let nsids = new Set<number>();
      let waiting = false;
      /** One drawing at a time; what changes meanwhile is for one more. */
      const again = (): void => {
        if (waiting) return;
        waiting = true;
        drawing = drawing
          .then(() => {
            waiting = false;
            const change = { all, nsids };
            [all, nsids] = [false, new Set()];
            return draw(change);
          })
          .catch(reject);
      };
      const redraw = (): void => {
        all = true;
        again();
      };
      const changed = (words: Buffer): void => {
        for (const [, nsid] of words.toString().matchAll(/\[nsid (\d+)\]/g)) nsids.add(Number(nsid));
        // ip knows no number for it.
        if (words.includes('[nsid unknown]')) all = true;
        clearTimeout(timer);
        timer = setTimeout(() => {
          again();
          timer = setTimeout(redraw, AFTERWARDS);
        }, pause);
      };
      for (const [program, ...words] of MONITORS) {
        const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] });
        children.push(child);
        child.stdout.on('data', changed);
        // nft is optional; ip is required.
        if (program !== 'ip') child.on('error', () => undefined);
        else child.on('error', reject).on('exit', () => reject(monitorEnded()));
      }
      try {
        watchers.push(watch('/run/netns', () => changed(Buffer.from(''))));
      } catch {
        // No namespace has a name yet; netlink reports the cable of the first one.
      }
      end = resolve;
      for (const signal of SIGNALS) process.on(signal, end);
      until?.addEventListener('abort', end);
      if (until?.aborted === true) end();
      started?.(redraw);
      again();
    });
  } finally {
    clearTimeout(timer);
    for (const signal of SIGNALS) process.off(signal, end);
    for (const child of children) child.removeAllListeners('exit').kill();
    for (const watcher of watchers) watcher.close();
  }
}

const monitorEnded = (): MinidockError =>
  new MinidockError({
    code: 'CANNOT_WATCH',
    message: 'ip monitor has ended, so minidock cannot see changes',
    hint: 'Run "ip monitor all-nsid link" by hand: it prints the reason.',
  });
