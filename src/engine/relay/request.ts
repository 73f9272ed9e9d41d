/** What a relay is started with, and the descriptors that it inherits. */
import type { Protocol } from '../../../runtime/network/types.ts';

/** As JSON in its argv. */
export interface RelayRequest {
  readonly protocol: Protocol;
  /** Of the container. */
  readonly address: string;
  readonly port: number;
  /** Milliseconds without a connection before it ends. */
  readonly idle: number;
}

/** Inherited. The pipe is how the shim learns that the relay is gone. */
export const RELAY_LISTENER = 3;
export const RELAY_PIPE = 4;
