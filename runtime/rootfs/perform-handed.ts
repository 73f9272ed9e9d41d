/** PID 1's part in the steps that the host carries out for it (host-mounts.ts): to put the mounts in their places. */
import { closeSync, constants, openSync } from 'node:fs';
import { O_PATH } from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import { MAP_STEP } from './id-map.ts';
import { differentKinds, kindOf, openTarget } from './perform-mount.ts';
import type { ContainerStep } from './step.ts';
import { attach, insideRoot, type RootContext } from './tree.ts';

/** `mount` is undefined for a step that leaves nothing to be done, a device node for one. */
export function performHanded(
  { id, command }: ContainerStep,
  mount: number | undefined,
  context: RootContext,
): void {
  if (mount === undefined) {
    if (command.kind === 'mount' && !id.startsWith(MAP_STEP))
      throw new Error('its mount was not handed over');
    return;
  }
  if (command.kind !== 'mount') throw new Error('only a mount can be handed over');
  const inner = insideRoot(command.target, context);
  if (inner === undefined) return attachRoot(mount, context);
  const kind = kindOf(mount);
  const target = openTarget(inner, kind, context);
  try {
    attach(context, inner, mount, target, command.type === '' ? 'bind' : 'new');
  } catch (error) {
    const unlike = errnoOf(error) === 'EINVAL' && kind !== kindOf(target);
    throw unlike ? differentKinds(command.source, inner) : error;
  } finally {
    closeSync(target);
  }
}

/**
 * On top of the host's `/`: a place that is there in any case, which the process may enter, and where nobody sees it,
 * since a path that begins with `/` begins below what lies on it. pivot_root(2) only needs a mount.
 */
function attachRoot(mount: number, { kernel, tree }: RootContext): void {
  const top = openSync('/', O_PATH | constants.O_DIRECTORY);
  try {
    kernel.attachMount(mount, top);
    tree.root = mount;
  } finally {
    closeSync(top);
  }
}
