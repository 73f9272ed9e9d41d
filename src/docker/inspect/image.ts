/** What `minidock image inspect` prints: Docker's JSON (API 1.45) of an image. */
import { join } from 'node:path';
import { familiarName, parseReference } from '../../../images/reference.ts';
import type { ContainerDefaults, StoredImage } from '../../../images/types.ts';
import { goStruct, nilMap } from '../go-template/value.ts';
import { exposedPorts, healthcheck, slice, sortedStrings, withNil } from './values.ts';

export function inspectImage(image: StoredImage): Readonly<Record<string, unknown>> {
  const { config } = image;
  const layers = [...image.layerDirs].reverse();
  const [top = '', ...below] = layers;
  const inspected = goStruct({
    Id: image.id,
    RepoTags: image.tags.map(shortName).sort(),
    RepoDigests: image.repoDigests.map(shortName),
    Parent: image.parent ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    DockerVersion: '',
    Author: config.author ?? '',
    Config: imageDefaults(config.config ?? {}),
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: image.size,
    GraphDriver: goStruct({
      Data: {
        ...(below.length === 0 ? {} : { LowerDir: below.join(':') }),
        MergedDir: top === '' ? '' : join(top, '..', 'merged'),
        UpperDir: top,
        WorkDir: top === '' ? '' : join(top, '..', 'work'),
      },
      Name: 'overlay2',
    }),
    RootFS: goStruct({ Type: 'layers', Layers: config.rootfs.diff_ids }),
    Metadata: goStruct({ LastTagTime: image.lastTagged }),
  });
  return Object.defineProperty(inspected, 'ID', { value: image.id, enumerable: false });
}

/** 'nginx:latest' for 'docker.io/library/nginx:latest'. */
const shortName = (name: string): string => familiarName(parseReference(name));

function imageDefaults(config: ContainerDefaults): object {
  const volumes = Object.keys(config.Volumes ?? {}).sort();
  const inspected = goStruct({
    Hostname: '',
    Domainname: '',
    User: config.User ?? '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...exposedPorts(Object.keys(config.ExposedPorts ?? {})),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: slice(config.Env ?? []),
    Cmd: slice(config.Cmd ?? []),
    ...healthcheck(config.Healthcheck),
    ...(config.ArgsEscaped === true ? { ArgsEscaped: true } : {}),
    Image: '',
    Volumes:
      volumes.length === 0
        ? nilMap(undefined)
        : Object.fromEntries(volumes.map((path) => [path, goStruct({})])),
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: slice(config.Entrypoint ?? []),
    OnBuild: slice(config.OnBuild ?? []),
    Labels: config.Labels === undefined || config.Labels === null ? nilMap('') : sortedStrings(config.Labels),
    ...(config.StopSignal === undefined || config.StopSignal === '' ? {} : { StopSignal: config.StopSignal }),
    ...((config.Shell ?? []).length === 0 ? {} : { Shell: config.Shell }),
  });
  return withNil(inspected, 'Healthcheck');
}
