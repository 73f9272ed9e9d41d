/**
 * A container's files for as long as an action takes. One that does not run stays locked meanwhile if it is written to,
 * be it only to make the mount points of its volumes, so that it cannot start: two overlays must not write to one
 * directory. A start waits for the lock.
 */
import { closeSync } from 'node:fs';
import { delay } from '../../../runtime/io/delay.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { findContainer } from '../reconcile.ts';
import { hasProgram } from '../spec/container.ts';
import { tryLock, type Lock } from '../state/lock.ts';
import { containerLock } from '../state/paths.ts';
import type { Container, ContainerStore } from '../state/store.ts';
import { openContainerRoot, type RootOptions } from './open-root.ts';

/** Milliseconds to wait for a start, an end, or another copy. */
const PATIENCE = 30_000;
const POLL = 10;

/** @throws MinidockError as findContainer, and 'BUSY'. */
export async function withContainerRoot<T>(
  store: ContainerStore,
  reference: string,
  options: RootOptions,
  action: (root: number, container: Container) => Promise<T>,
): Promise<T> {
  const { container, lock } = await claim(store, reference, options.writable || options.mounts);
  try {
    const root = await openContainerRoot(store.paths, container, options);
    try {
      return await action(root, container);
    } finally {
      closeSync(root);
    }
  } finally {
    lock?.release();
  }
}

async function claim(
  store: ContainerStore,
  reference: string,
  changes: boolean,
): Promise<{ readonly container: Container; readonly lock?: Lock }> {
  for (const end = Date.now() + PATIENCE; ; await delay(POLL)) {
    const container = await findContainer(store, reference);
    if (container.unreadable !== undefined) throw container.unreadable;
    if (hasProgram(container.state) || !changes) return { container };
    const lock = tryLock(containerLock(store.paths, container.config.id));
    if (lock !== undefined) {
      const now = store.read(container.config.id);
      if (now !== undefined && !hasProgram(now.state)) return { container: now, lock };
      lock.release();
    }
    if (Date.now() > end)
      throw new MinidockError({
        code: 'BUSY',
        message: `container ${container.config.id} is being started or removed by another process`,
      });
  }
}
