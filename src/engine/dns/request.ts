/** What a resolver is started with. */
import type { Paths } from '../state/paths.ts';

export interface ResolverRequest {
  readonly paths: Paths;
  /** The zone's record (zone.ts). */
  readonly zone: string;
  /** Below /run/netns. */
  readonly netns: string;
  /** Milliseconds without a query before it ends. */
  readonly idle: number;
}

/** Inherited, from descriptor 3 on in this order. `pipe` is how the shim learns that the resolver is gone. */
export const RESOLVER_DESCRIPTORS = ['udp', 'tcp', 'pipe'] as const;
export const FIRST_DESCRIPTOR = 3;
