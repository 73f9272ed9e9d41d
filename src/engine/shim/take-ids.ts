/** `--userns=auto`: a range of the machine's user ids that no other container has. */
import { acquireIds, mappingTo, readSubordinateIds } from '../../../runtime/process/identity/id-ranges.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { idsDir } from '../state/paths.ts';
import type { ContainerStore } from '../state/store.ts';

/** Users of the machine for those of the container. */
export async function takeIds(store: ContainerStore, id: string): Promise<number> {
  ensurePrivateDir(idsDir(store.paths));
  // Also those of a container whose lease is lost.
  const inUse = store
    .list()
    .flatMap(({ state }) => (state.firstId === undefined ? [] : [mappingTo(state.firstId)]));
  return acquireIds(idsDir(store.paths), id, [
    ...readSubordinateIds(),
    ...inUse.map(({ hostID, size }) => ({ first: hostID, size })),
  ]);
}
