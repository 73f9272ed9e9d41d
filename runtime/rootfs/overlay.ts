/**
 * The root filesystem: a mount namespace cut off from the host's, and the image's layers merged by overlayfs.
 * The layers below are only ever read; what the container changes lands in `upper`.
 */
import { idMapping, USER_NAMESPACE, type OciConfig } from '../bundle.ts';
import { byHost, idMapWord, mapLayerSteps } from './id-map.ts';
import { containerStep, type ContainerStep } from './step.ts';

export function overlaySteps(config: OciConfig): readonly ContainerStep[] {
  const { root } = config;
  const mountRoot = root.lower.length === 0 ? bindUpper(config) : mountOverlay(config);
  return [makePrivate(config), ...mapLayerSteps(config), byHost(config, mountRoot), ...mountImages(config)];
}

/**
 * Private cuts both ways. A volume that asks to see later mounts of the host (rslave) can do so only while its
 * source still hears from the host, hence slave for all: nothing of ours goes out, the host's come in.
 */
function makePrivate(config: OciConfig): ContainerStep {
  const listens = config.mounts.some(({ options }) => options.some((word) => /^r?slave$/.test(word)));
  return containerStep(
    'rootfs.make-private',
    'rootfs',
    { kind: 'mount', source: '', target: '/', type: '', options: [listens ? 'rslave' : 'rprivate'] },
    {
      title: 'Stop mounts from spreading to the host',
      why: 'A new mount namespace starts as a copy in which mounts still propagate both ways (mount_namespaces(7)).',
      without: 'Every mount made for the container would appear on the host too, and stay there.',
      observe: ['cat', '/proc/self/mountinfo'],
    },
  );
}

const isInUserNamespace = ({ annotations }: OciConfig): boolean => annotations?.[USER_NAMESPACE] === 'true';

/**
 * An overlay also of an image with one layer: a process with CAP_SYS_ADMIN can make a bind mount of the layer writable
 * again, and would write into the root of every container of the image. An overlay without an upper directory stays.
 */
function mountImages(config: OciConfig): readonly ContainerStep[] {
  const { images = [] } = config.root;
  return images.map(({ path, lower }) =>
    containerStep(
      `rootfs.mount-image:${path}`,
      'rootfs',
      {
        kind: 'mount',
        source: 'overlay',
        target: path,
        type: 'overlay',
        options: [`lowerdir=${lower.join(':')}`, ...(isInUserNamespace(config) ? ['userxattr'] : [])],
      },
      {
        title: 'Merge the layers of an image that is mounted',
        why:
          'The same layers that a container of that image would have, without an upperdir: overlayfs has nowhere to ' +
          'write to and stays read-only, also after a remount. overlayfs wants two layers at least, so an ' +
          'empty directory is the last one. Only this mount namespace sees it.',
        without: 'There is nothing to bind into the container’s tree.',
      },
    ),
  );
}

function mountOverlay(config: OciConfig): ContainerStep {
  const { root } = config;
  const inUserNamespace = isInUserNamespace(config);
  const options = [
    `lowerdir=${root.lower.join(':')}`,
    `upperdir=${root.upper}`,
    `workdir=${root.work}`,
    ...(inUserNamespace ? ['userxattr'] : []),
  ];
  return containerStep(
    'rootfs.mount-overlay',
    'rootfs',
    { kind: 'mount', source: 'overlay', target: root.path, type: 'overlay', options },
    {
      title: `Merge ${root.lower.length} image ${root.lower.length === 1 ? 'layer' : 'layers'} into one tree`,
      why:
        'overlayfs shows the layers stacked, topmost first. They stay untouched and are shared by all containers ' +
        'of the image; a file that is written to is first copied into upperdir, which is the container’s own.' +
        (inUserNamespace
          ? ' userxattr: its marks are attributes user.*, since trusted.* are refused here.'
          : ''),
      without: 'Each container needs a full copy of the image, or they all write into the same one.',
      observe: ['grep', ' / ', '/proc/mounts'],
    },
  );
}

/** An image without layers: overlayfs wants at least one to stand on, an empty directory needs no merging. */
function bindUpper(config: OciConfig): ContainerStep {
  const { root } = config;
  const mapping = idMapping(config);
  const mapped = mapping === undefined ? [] : [idMapWord(mapping)];
  return containerStep(
    'rootfs.mount-overlay',
    'rootfs',
    {
      kind: 'mount',
      source: root.upper,
      target: root.path,
      type: '',
      options: ['bind', 'private', ...mapped],
    },
    {
      title: 'Mount the empty root directory',
      why: 'The image has no layers, so there is nothing to merge; pivot_root(2) still needs a mount point.',
      without: 'pivot_root(2) fails with EINVAL.',
    },
  );
}
