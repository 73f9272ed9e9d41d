/** The namespaces of a container, and who its users are on the host. */
import type { OciConfig } from '../../../runtime/bundle.ts';
import { mappingTo } from '../../../runtime/process/identity/id-ranges.ts';

type Namespaces = OciConfig['linux']['namespaces'];

/** What every container has of its own. A network namespace has a path, and is none of them. */
export const OWN_NAMESPACES: Namespaces = (['mount', 'uts', 'ipc', 'pid', 'cgroup'] as const).map((type) => ({
  type,
}));

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

export function namespaces(netnsPath: string | undefined, firstId: number | undefined): Namespaces {
  if (firstId !== undefined) return USER_NAMESPACES;
  return netnsPath === undefined ? OWN_NAMESPACES : [...OWN_NAMESPACES, { type: 'network', path: netnsPath }];
}
