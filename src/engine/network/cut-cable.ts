/**
 * The end of a container's cables. With its network namespace the kernel takes them away, but a namespace lives on
 * for as long as anyone has a socket of it: a program can hand one to another container through a shared volume
 * (SCM_RIGHTS, unix(7)), which would have this container's network when this container is gone.
 */
import { existsSync } from 'node:fs';
import { delay } from '../../../runtime/io/delay.ts';
import { undoCommand } from '../../../runtime/plan/undo.ts';
import type { NetworkState } from '../spec/container.ts';
import { endpointStates } from '../spec/endpoints.ts';

/** Milliseconds between two looks. */
const LOOK = 10;

/**
 * The kernel has `patience` milliseconds to take the cables away by itself, which it does a moment after the last process
 * of the namespace has ended; `look` is called meanwhile. What goes wrong is for doctor.
 */
export async function cutCables(
  network: NetworkState | undefined,
  patience = 0,
  look: () => void = () => undefined,
): Promise<void> {
  // A record of an older version that is damaged may name none.
  const ends = endpointStates(network).flatMap(({ hostVeth }) => (hostVeth === '' ? [] : [hostVeth]));
  // Of every interface of this network namespace there is such a directory.
  const left = (): readonly string[] => ends.filter((end) => existsSync(`/proc/sys/net/ipv4/conf/${end}`));
  for (const end = performance.now() + patience; left().length > 0; await delay(LOOK)) {
    look();
    if (performance.now() < end) continue;
    for (const hostVeth of left())
      await undoCommand({ kind: 'run', argv: ['ip', 'link', 'delete', hostVeth] });
    return;
  }
}
