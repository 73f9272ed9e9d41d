/**
 * The end of a container's cable. With its network namespace the kernel takes the cable away, but a namespace lives on
 * for as long as anyone has a socket of it: a program can hand one to another container through a shared volume
 * (SCM_RIGHTS, unix(7)), which would have this container's network when this container is gone.
 */
import { existsSync } from 'node:fs';
import { delay } from '../../../runtime/io/delay.ts';
import { undoCommand } from '../../../runtime/plan/undo.ts';

/** Milliseconds between two looks. */
const LOOK = 10;

/**
 * `hostVeth` is the host's end, undefined or '' without a cable. The kernel has `patience` milliseconds to take it away
 * by itself, which it does a moment after the last process of the namespace has ended; `look` is called meanwhile. What
 * goes wrong is for doctor.
 */
export async function cutCable(
  hostVeth: string | undefined,
  patience = 0,
  look: () => void = () => undefined,
): Promise<void> {
  if (hostVeth === undefined || hostVeth === '') return;
  // Of every interface of this network namespace there is such a directory.
  const isThere = (): boolean => existsSync(`/proc/sys/net/ipv4/conf/${hostVeth}`);
  for (const end = performance.now() + patience; isThere(); await delay(LOOK)) {
    look();
    if (performance.now() < end) continue;
    await undoCommand({ kind: 'run', argv: ['ip', 'link', 'delete', hostVeth] });
    return;
  }
}
