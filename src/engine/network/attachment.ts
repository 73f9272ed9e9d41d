/** How a container is attached to the network: the addresses, ports and names that have been acquired for it. */
import type { ForeignFirewall } from '../../../runtime/network/firewall/foreign.ts';
import type { BridgeEndpoint } from '../../../runtime/network/types.ts';

/** What the container is attached to, resources acquired. */
export type Attachment =
  | {
      readonly kind: 'bridge';
      /** Its way out, on which ports are published. */
      readonly endpoint: BridgeEndpoint;
      /** Other firewalls of the host that drop what is forwarded. */
      readonly foreign: readonly ForeignFirewall[];
      /** Its other networks. */
      readonly more: readonly BridgeEndpoint[];
      /** Directories of the names of its networks (dns/names.ts); none where nobody looks names up. */
      readonly names?: readonly string[];
    }
  | { readonly kind: 'none'; readonly netns: string }
  /** The host's network, or another container's: nothing to set up. */
  | { readonly kind: 'shared'; readonly netnsPath: string | undefined };
