/**
 * A container with a user namespace of its own: its root is a user of the machine that owns nothing. Its files are
 * stored with the container's ids all the same (root is 0), because the mounts that show them are id-mapped
 * (mount_setattr(2), MOUNT_ATTR_IDMAP): they look the same from both sides, and a layer serves every container.
 *
 * Only the machine's root may make such a mount, so the host makes it and hands it to PID 1, who puts it in place.
 */
import { dirname } from 'node:path';
import { idMapping, type OciConfig, type OciIdMapping } from '../bundle.ts';
import { containerStep, type ContainerStep } from './step.ts';

/** mount(8)'s word for it. parseMountOptions takes it for a comment; host-mounts.ts acts on it. */
const WORD = 'X-mount.idmap';

export const idMapWord = ({ containerID, hostID, size }: OciIdMapping): string =>
  `${WORD}=b:${containerID}:${hostID}:${size}`;

export const isIdMapped = (options: readonly string[]): boolean =>
  options.some((word) => word.startsWith(`${WORD}=`));

/** The step as one that the host carries out, if the container has a user namespace of its own. */
export const byHost = (config: OciConfig, step: ContainerStep): ContainerStep =>
  idMapping(config) === undefined ? step : { ...step, by: 'host' };

export const MAP_STEP = 'rootfs.map-ids';

/** What the overlay is made of, each directory mounted over itself: in a mount namespace that only lives until it is made. */
export function mapLayerSteps(config: OciConfig): readonly ContainerStep[] {
  const mapping = idMapping(config);
  const { lower, upper } = config.root;
  if (mapping === undefined || lower.length === 0) return [];
  // upperdir and workdir must be on one mount, so it is the directory above that is mapped.
  const directories = new Set([...above(lower), dirname(upper)]);
  return [...directories].map((directory) =>
    byHost(
      config,
      containerStep(
        `${MAP_STEP}:${directory}`,
        'rootfs',
        {
          kind: 'mount',
          source: directory,
          target: directory,
          type: '',
          options: ['bind', idMapWord(mapping)],
        },
        {
          title: `Show the files in ${directory} with the container’s ids`,
          why:
            `Files of root are root’s for the container, too, although its root is user ${mapping.hostID} of the ` +
            'machine: an id-mapped mount adds that number on the way in and takes it off on the way out.',
          without:
            'All files of the image would belong to nobody (65534), and the container could not change any.',
          observe: ['grep', 'idmapped', '/proc/self/mounts'],
        },
      ),
    ),
  );
}

/** The one directory that all layers are below, however many there are; each by itself if that were `/`. */
function above(layers: readonly string[]): readonly string[] {
  const paths = layers.map((layer) => dirname(layer).split('/'));
  const [first = []] = paths;
  const shared = first.filter((_, at) =>
    paths.every((path) => path.slice(0, at + 1).join('/') === first.slice(0, at + 1).join('/')),
  );
  return shared.length > 1 ? [shared.join('/')] : layers;
}
