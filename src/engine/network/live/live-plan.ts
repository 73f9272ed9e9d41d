/**
 * What connecting a running container to a network, or disconnecting it, changes: pure, made from what it has and what it
 * is to have. The network that comes first in Docker's order has the default route and the published ports; both move when
 * another one comes first.
 */
import type { ForeignFirewall } from '../../../../runtime/network/firewall/foreign.ts';
import {
  planGateway,
  planGateway6,
  planMovedPorts,
  planPlug,
  planUnplug,
} from '../../../../runtime/network/live.ts';
import { has4, has6, wayOut } from '../../../../runtime/network/plan.ts';
import { planResolver } from '../../../../runtime/network/resolver.ts';
import type { BridgeEndpoint, PortBinding } from '../../../../runtime/network/types.ts';
import type { HostStep } from '../../../../runtime/plan/step.ts';
import type { EndpointSpec } from '../../spec/container.ts';
import { byGateway, specFor } from '../../spec/endpoints.ts';

export interface LiveChange {
  readonly steps: readonly HostStep[];
  /** All that the container has then, the way out first. */
  readonly endpoints: readonly BridgeEndpoint[];
}

/** `ports`: where they are to be published then; `specs`: of all networks, with their priorities. */
export interface Wanted {
  readonly specs: readonly EndpointSpec[];
  readonly ports: readonly PortBinding[];
  readonly foreign: readonly ForeignFirewall[];
  /** Directories of names, for a container that has no resolver yet and is to have one. */
  readonly names?: readonly string[] | undefined;
}

export function planConnect(
  before: readonly BridgeEndpoint[],
  added: BridgeEndpoint,
  wanted: Wanted,
): LiveChange {
  const endpoints = inOrder([...before, added], wanted);
  return {
    steps: [
      ...planPlug(added, wanted.foreign),
      ...(wanted.names === undefined ? [] : planResolver({ ...added, names: wanted.names })),
      ...planWaysOut(before, endpoints),
    ],
    endpoints,
  };
}

export function planDisconnect(
  before: readonly BridgeEndpoint[],
  removed: BridgeEndpoint,
  wanted: Wanted,
): LiveChange {
  const left = before.filter((endpoint) => endpoint.network.id !== removed.network.id);
  const endpoints = inOrder(left, wanted);
  return {
    steps: [...planWaysOut(before, endpoints), planUnplug(removed)],
    endpoints,
  };
}

/** The one that is to have the default route and the ports. */
export const wayOutOf = (
  endpoints: readonly BridgeEndpoint[],
  specs: readonly EndpointSpec[],
): BridgeEndpoint | undefined => inOrder(endpoints, { specs, ports: [] })[0];

/** The way out has the ports, and no other endpoint has any. */
function inOrder(
  endpoints: readonly BridgeEndpoint[],
  { specs, ports }: Pick<Wanted, 'specs' | 'ports'>,
): readonly BridgeEndpoint[] {
  const priority = ({ network }: BridgeEndpoint): number => specFor(specs, network)?.priority ?? 0;
  return endpoints
    .toSorted((one, other) =>
      byGateway(
        { network: one.network, priority: priority(one) },
        { network: other.network, priority: priority(other) },
      ),
    )
    .map((endpoint, index) => ({ ...endpoint, ports: index === 0 ? ports : [] }));
}

/** Each family has a way out, often the same; ports go with the first network. */
function planWaysOut(
  before: readonly BridgeEndpoint[],
  after: readonly BridgeEndpoint[],
): readonly HostStep[] {
  return [
    ...planWayOut(before, after, has4, planGateway),
    ...planWayOut(before, after, has6, planGateway6),
    ...(before[0]?.network.id === after[0]?.network.id ? [] : planMovedPorts(after[0], before[0])),
  ];
}

function planWayOut(
  before: readonly BridgeEndpoint[],
  after: readonly BridgeEndpoint[],
  has: (endpoint: BridgeEndpoint) => boolean,
  plan: typeof planGateway,
): readonly HostStep[] {
  const [from, to] = [wayOut(before, has), wayOut(after, has)];
  return to === undefined || from?.network.id === to.network.id ? [] : [plan(to, from)];
}
