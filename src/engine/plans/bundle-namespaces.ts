/** The namespaces of a container, and who its users are on the host. */
import type { OciConfig, OciNamespace } from '../../../runtime/bundle.ts';
import { mappingTo } from '../../../runtime/process/identity/id-ranges.ts';
import type { ContainerSpec } from '../spec/container.ts';

type Namespaces = OciConfig['linux']['namespaces'];

/** What a container has of its own, unless it shares some. A network namespace has a path, and is none of them. */
const OWN: readonly OciNamespace[] = ['mount', 'uts', 'ipc', 'pid', 'cgroup'];

/** With users of its own also its network is made with its first process, so that it belongs to them. */
export const USER_NAMESPACES: Namespaces = (
  ['user', 'mount', 'uts', 'ipc', 'pid', 'network', 'cgroup'] as const
).map((type) => ({ type }));

export function idMappings(
  firstId: number | undefined,
): Pick<OciConfig['linux'], 'uidMappings' | 'gidMappings'> {
  if (firstId === undefined) return {};
  const mapping = mappingTo(firstId);
  return { uidMappings: [mapping], gidMappings: [mapping] };
}

/** All but the network. `joined` are those of other containers; the host's are in no list. */
export function startNamespaces(
  { namespaces: shared = {} }: Pick<ContainerSpec, 'namespaces'>,
  joined: Namespaces = [],
): Namespaces {
  const modes: Readonly<Partial<Record<OciNamespace, string>>> = shared;
  return [
    ...OWN.filter(
      (type) => modes[type] !== 'host' && !joined.some((namespace) => namespace.type === type),
    ).map((type) => ({ type })),
    ...joined,
  ];
}

export function namespaces(
  spec: Pick<ContainerSpec, 'namespaces'>,
  joined: Namespaces | undefined,
  netnsPath: string | undefined,
  firstId: number | undefined,
): Namespaces {
  if (firstId !== undefined) return USER_NAMESPACES;
  const own = startNamespaces(spec, joined);
  return netnsPath === undefined ? own : [...own, { type: 'network', path: netnsPath }];
}
