/**
 * Locks between processes, each by the path of its file. node:fs has no flock(2), so src/ hands in the one that takes
 * them (src/engine/images/image-lock.ts): it waits for its turn until `signal` gives up, and what it took dies with its process.
 */
export type Release = () => void;

export type AcquireLock = (path: string, signal?: AbortSignal) => Promise<Release>;

export async function withLock<T>(
  acquire: AcquireLock,
  path: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const release = await acquire(path, signal);
  try {
    return await work();
  } finally {
    release();
  }
}
