/** A mount of `--mount` in HostConfig.Mounts: as it was given, in the key order of Docker 28. */
import type { MountSpec } from '../../engine/spec/container.ts';
import { goStruct } from '../go-template/value.ts';

export function inspectMount(mount: MountSpec): object {
  const { type, target, readOnly, image } = mount;
  const source = image?.name ?? (type === 'volume' ? nameOf(mount) : mount.source);
  return goStruct({
    Type: type,
    ...(source === '' ? {} : { Source: source }),
    Target: target,
    // That of an image goes without saying.
    ...(readOnly && image === undefined ? { ReadOnly: true } : {}),
    ...optionsOf(mount),
  });
}

const nameOf = ({ anonymous, volume = '' }: MountSpec): string => (anonymous === true ? '' : volume);

function optionsOf({ type, options, subpath }: MountSpec): object {
  switch (type) {
    case 'bind': {
      const propagation = options.find((word) => /^r?(private|shared|slave)$/.test(word));
      return named('BindOptions', {
        ...(propagation === undefined ? {} : { Propagation: propagation }),
        ...(options.includes('bind') ? { NonRecursive: true } : {}),
      });
    }
    case 'volume':
      return named('VolumeOptions', subpath === undefined ? {} : { Subpath: subpath });
    case 'image':
      return named('ImageOptions', subpath === undefined ? {} : { Subpath: subpath });
    case 'tmpfs': {
      const value = (key: string): string | undefined =>
        options.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
      const [size, mode] = [value('size'), value('mode')];
      return named('TmpfsOptions', {
        ...(size === undefined ? {} : { SizeBytes: Number(size) }),
        ...(mode === undefined ? {} : { Mode: parseInt(mode, 8) }),
      });
    }
  }
}

const named = (key: string, fields: object): object =>
  Object.keys(fields).length === 0 ? {} : { [key]: goStruct(fields) };
