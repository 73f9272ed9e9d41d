/**
 * Which containers come back when the host has started: what Docker's daemon does as it begins. Those whose policy wants
 * them, as they ended: `always` also where somebody had stopped it, `unless-stopped` not, `on-failure` where it failed,
 * which being cut off by the host counts as. One that was never started stays so.
 */
import { isWanted } from '../shim/restart/policy.ts';
import { isActive } from '../spec/container.ts';
import { NEVER } from '../spec/time.ts';
import { listContainers } from '../reconcile.ts';
import type { Container, ContainerStore } from '../state/store.ts';
import { readByHand } from './manual-stop.ts';

/** Oldest first; what shares another's network after that one. What an earlier boot has left is cleaned up. */
export async function containersToStart(store: ContainerStore): Promise<readonly Container[]> {
  const wanted = (await listContainers(store)).filter((container) => comesBack(store, container)).reverse();
  const shares = ({ config }: Container): boolean => config.spec.network.mode.startsWith('container:');
  return [...wanted.filter((one) => !shares(one)), ...wanted.filter(shares)];
}

function comesBack({ paths }: ContainerStore, { config, state, unreadable }: Container): boolean {
  const { restart } = config.spec;
  if (restart === undefined || unreadable !== undefined || isActive(state) || state.startedAt === NEVER)
    return false;
  const byHand = readByHand(paths, config.id);
  return isWanted(restart, { exitCode: state.exitCode, byHand, restarts: state.restartCount ?? 0 });
}
