/** Signatures first; the implementation follows. */
import type { ContainerConfig, ContainerState } from '../engine/container.ts';
import type { ListStyle, Row } from './format.ts';
export interface Sizes {
  /** Bytes in the writable layer. */
  readonly rw: number;
  /** Bytes of the image and the writable layer. */
  readonly rootFs: number;
}
export interface ContainerEntry {
  readonly config: ContainerConfig;
  readonly state: ContainerState;
  readonly sizes?: Sizes;
}
export interface RowOptions {
  readonly noTrunc: boolean;
  readonly now: Date;
}
/** `withSize` adds the SIZE column. */
export function containerListStyle(_withSize: boolean): ListStyle {
  throw new Error('not written yet');
}
export function containerRow(_entry: ContainerEntry, _options: RowOptions): Row {
  throw new Error('not written yet');
}
