/**
 * Where overlayfs keeps its own notes on files: attributes of `trusted.overlay.`, which a container cannot set. In a user
 * namespace it has `user.overlay.` instead. Outside of one those are a container's own words, and mean nothing.
 */
import { userNamespace } from '../../../runtime/process/identity/user-namespace.ts';

export const overlayNotes = (note: 'opaque' | 'redirect' | 'metacopy' | 'whiteout'): readonly string[] =>
  (userNamespace() === undefined ? ['trusted'] : ['trusted', 'user']).map(
    (space) => `${space}.overlay.${note}`,
  );
