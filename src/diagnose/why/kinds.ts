/** Kinds of short journeys. */
import { isLoopback } from './family.ts';
import type { Scene } from './observe.ts';
import { addressesOf } from './stack.ts';

/** Both on one bridge: the host forwards frames and routes nothing. */
export function isNeighbour({ journey: { from, to, published, toNetns }, senderRoute }: Scene): boolean {
  if (from.kind === 'netns' || toNetns !== undefined) {
    return published === undefined && senderRoute !== undefined && senderRoute.gateway === undefined;
  }
  return (
    published === undefined &&
    from.kind === 'container' &&
    to !== undefined &&
    from.container.state.network?.network?.bridge === to.state.network?.network?.bridge
  );
}

/** Within one namespace: a container asks itself, or the host asks a container in its network. */
export const isOwn = ({ journey: { from, to, published } }: Pick<Scene, 'journey'>): boolean =>
  to !== undefined &&
  published === undefined &&
  (from.kind === 'container'
    ? from.container.config.id === to.config.id
    : to.config.spec.network.mode === 'host');

/** The address asked for is one of this host's own. */
export const isHosts = ({ journey: { asked }, host }: Scene): boolean =>
  asked.address === '' || isLoopback(asked.address) || addressesOf(host).includes(asked.address);
