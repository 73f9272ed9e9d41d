/** Signatures first; the implementation follows. */
import type { StoredImage } from '../../images/types.ts';
import type { ContainerConfig, ContainerState } from '../engine/container.ts';
import type { Paths } from '../engine/paths.ts';
import type { Sizes } from './container-row.ts';
/** What `minidock inspect CONTAINER` prints, in Docker's shape and key order (API 1.45). */
export function inspectContainer(
  _config: ContainerConfig,
  _state: ContainerState,
  _paths: Paths,
  _sizes?: Sizes,
): Readonly<Record<string, unknown>> {
  throw new Error('not written yet');
}
export function inspectImage(_image: StoredImage): Readonly<Record<string, unknown>> {
  throw new Error('not written yet');
}
