/**
 * Drawing again when something has changed, told by the kernel and not by a clock: `ip monitor` and `nft monitor` pass
 * on its netlink messages (rtnetlink(7)), inotify those of names below /run/netns. A change comes as many messages, so
 * the picture follows when they pause; and once more after a while, for what tells of itself by no message: which
 * program runs in a namespace, and what minidock has noted of it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { watch, type FSWatcher } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';

/** Milliseconds without a message. */
const PAUSE = 80;
const AFTERWARDS = 700;

const MONITORS: readonly (readonly [program: string, ...words: string[]])[] = [
  // Messages of every namespace that this one has a number for, that is to which it has a cable.
  ['ip', 'monitor', 'all-nsid', 'link', 'address', 'route', 'nsid'],
  ['nft', 'monitor'],
];

/**
 * Listened to until the very end, not once: whoever runs programs for a picture just then (execa, by signal-exit)
 * listens too, and ends this process itself if it finds that nobody else does.
 */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Draws, and again after each change, until a signal ends it. @throws MinidockError 'CANNOT_WATCH'. */
export async function watchKernel(draw: () => Promise<void>): Promise<void> {
  const children: ChildProcess[] = [];
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let end = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let drawing: Promise<void> = Promise.resolve();
      const again = (): void => {
        drawing = drawing.then(draw).catch(reject);
      };
      const changed = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          again();
          timer = setTimeout(again, AFTERWARDS);
        }, PAUSE);
      };
      for (const [program, ...words] of MONITORS) {
        const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'ignore'] });
        children.push(child);
        child.stdout.on('data', changed);
        // Without nft there are no rules of nft to miss; without ip there is nothing to draw.
        if (program !== 'ip') child.on('error', () => undefined);
        else child.on('error', reject).on('exit', () => reject(monitorEnded()));
      }
      try {
        watchers.push(watch('/run/netns', changed));
      } catch {
        // No namespace has a name yet; the first one's cable tells of itself.
      }
      end = resolve;
      for (const signal of SIGNALS) process.on(signal, end);
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
    message: 'ip monitor has ended, so changes would go unseen',
    hint: 'Try "ip monitor all-nsid link" by hand: it says what keeps it from listening.',
  });
