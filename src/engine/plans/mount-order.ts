/**
 * A container's own mounts with those that were asked for: what is asked for comes last, in place of the default on
 * the same directory. Around cgroup v1's hierarchies lies a directory that is read-only once all of them are there:
 * so a volume on /sys/fs/cgroup replaces all of it, and a volume on one hierarchy is mounted where that would be.
 */
import type { OciMount } from '../../../runtime/bundle.ts';

const CGROUPS = '/sys/fs/cgroup';
const BELOW_CGROUPS = `${CGROUPS}/`;

export function withAsked(own: readonly OciMount[], asked: readonly OciMount[]): readonly OciMount[] {
  const covers = (place: string): boolean => isAmong(asked, place);
  const hierarchies = asked.filter(
    ({ destination }) =>
      !covers(CGROUPS) && destination.startsWith(BELOW_CGROUPS) && isAmong(own, destination),
  );
  const kept = own.flatMap((mount): readonly OciMount[] => {
    const { destination } = mount;
    const instead = hierarchies.find((hierarchy) => hierarchy.destination === destination);
    if (instead !== undefined) return [instead];
    const brought = covers(destination) || (covers(CGROUPS) && destination.startsWith(BELOW_CGROUPS));
    return brought ? [] : [mount];
  });
  return [...kept, ...asked.filter((mount) => !hierarchies.includes(mount))];
}

const isAmong = (mounts: readonly OciMount[], place: string): boolean =>
  mounts.some(({ destination }) => destination === place);
