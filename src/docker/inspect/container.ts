/**
 * What `minidock inspect` prints of a container: Docker's JSON (API 1.45) field for field, key for key, so that
 * readers of Docker's JSON can read this. An unused field has Docker's default value.
 *
 * The values carry Go's types for `--format` (go-template/value.ts): which is a struct, and which list or map was
 * never set and is `null` in JSON but prints `[]` or `map[]`.
 */
import { join } from 'node:path';
import {
  type ContainerConfig,
  type ContainerState,
  hasProgram,
  isActive,
  type Health,
  type MountSpec,
} from '../../engine/spec/container.ts';
import { containerDir, containerRunDir, type Paths } from '../../engine/state/paths.ts';
import type { Sizes } from '../container-row.ts';
import { goStruct, goStructOf, nilMap, nilSlice } from '../go-template/value.ts';
import { hostConfig } from './host-config.ts';
import { networkSettings } from './network.ts';
import { exposedPorts, healthcheck, slice, sortedStrings, withNil } from './values.ts';

export function inspectContainer(
  config: ContainerConfig,
  state: ContainerState,
  paths: Paths,
  sizes?: Sizes,
): Readonly<Record<string, unknown>> {
  const { spec, id } = config;
  const [path = '', ...args] = [...spec.entrypoint, ...spec.cmd];
  const dir = containerDir(paths, id);
  // Docker names these files once the container has been started.
  const file = (name: string): string => (state.status === 'created' ? '' : join(dir, name));
  const inspected = goStruct({
    Id: id,
    Created: config.created,
    Path: path,
    Args: args,
    State: stateOf(state),
    Image: config.imageId,
    ResolvConfPath: file('resolv.conf'),
    HostnamePath: file('hostname'),
    HostsPath: file('hosts'),
    LogPath: file('container.log'),
    Name: `/${config.name}`,
    RestartCount: state.restartCount ?? 0,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: nilSlice(),
    HostConfig: hostConfig(config),
    GraphDriver: goStruct({
      Data: {
        LowerDir: [...config.layers].reverse().join(':'),
        MergedDir: join(containerRunDir(paths, id), 'rootfs'),
        UpperDir: join(dir, 'overlay', 'upper'),
        WorkDir: join(dir, 'overlay', 'work'),
      },
      Name: 'overlay2',
    }),
    ...(sizes === undefined ? {} : { SizeRw: sizes.rw, SizeRootFs: sizes.rootFs }),
    Mounts: mountsOf(config),
    Config: configOf(config),
    NetworkSettings: networkSettings(config, state),
  });
  // Docker's Go field is called ID, its JSON Id; templates may use either. The same for sizes without --size.
  Object.defineProperty(inspected, 'ID', { value: id, enumerable: false });
  return withNil(inspected, 'SizeRw', 'SizeRootFs');
}

function stateOf(state: ContainerState): object {
  const inspected = goStruct({
    Status: state.status,
    Running: isActive(state),
    Paused: state.status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: state.status === 'dead',
    Pid: hasProgram(state) ? state.pid : 0,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(state.health === undefined ? {} : { Health: healthOf(state.health) }),
    // Docker has no such field.
    ...(state.logLoss === undefined
      ? {}
      : {
          LogLoss: goStruct({
            Bytes: state.logLoss.bytes,
            Since: state.logLoss.since,
            Reason: state.logLoss.reason,
          }),
        }),
  });
  return withNil(inspected, 'Health');
}

function healthOf({ status, failingStreak, log }: Health): object {
  return goStruct({
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ start, end, exitCode, output }) =>
      goStruct({ Start: start, End: end, ExitCode: exitCode, Output: output }),
    ),
  });
}

/** Neither the host's nor another container's: nothing to share. */
const isOwn = ({ type }: MountSpec): boolean => type === 'image' || type === 'tmpfs';

const MOUNT_FIELDS = ['Type', 'Name', 'Source', 'Destination', 'Driver', 'Mode', 'RW', 'Propagation'];

/** A tmpfs of --tmpfs is not among them, as in Docker: it is in HostConfig.Tmpfs. */
function mountsOf({ spec }: ContainerConfig): readonly object[] {
  return spec.mounts
    .filter(({ type, by }) => type !== 'tmpfs' || by === 'mount')
    .map((mount) => {
      const volume = mount.type === 'volume';
      const mode = [...(mount.readOnly ? ['ro'] : []), ...mount.options].join(',');
      const propagation =
        mount.options.find((option) => /^r?(private|shared|slave)$/.test(option)) ?? 'rprivate';
      return goStructOf(
        {
          Type: mount.type,
          ...(volume ? { Name: mount.volume ?? '' } : {}),
          ...(mount.image === undefined ? {} : { Name: mount.image.name }),
          Source: mount.source,
          Destination: mount.target,
          ...(volume ? { Driver: 'local' } : {}),
          // A named volume gets SELinux's shared label by default, hence Docker's "z".
          Mode: isOwn(mount) ? '' : volume && mount.anonymous !== true && mode === '' ? 'z' : mode,
          RW: !mount.readOnly,
          Propagation: volume || isOwn(mount) ? '' : propagation,
        },
        MOUNT_FIELDS,
      );
    });
}

function configOf({ spec, imageRef }: ContainerConfig): object {
  const volumes = spec.mounts.filter((mount) => mount.anonymous === true).map((mount) => mount.target);
  const inspected = goStruct({
    Hostname: spec.hostname,
    Domainname: spec.domainname,
    User: spec.user,
    AttachStdin: spec.attachStdin,
    AttachStdout: spec.attachStdout,
    AttachStderr: spec.attachStderr,
    ...exposedPorts([
      ...spec.exposedPorts,
      ...spec.network.ports.map((port) => `${port.containerPort}/${port.protocol}`),
    ]),
    Tty: spec.tty,
    OpenStdin: spec.openStdin,
    StdinOnce: spec.openStdin && spec.attachStdin,
    Env: spec.env,
    Cmd: slice(spec.cmd),
    ...healthcheck(spec.healthcheck),
    Image: imageRef,
    Volumes:
      volumes.length === 0
        ? nilMap(undefined)
        : Object.fromEntries(volumes.map((path) => [path, goStruct({})])),
    WorkingDir: spec.workingDir,
    Entrypoint: slice(spec.entrypoint),
    OnBuild: nilSlice(),
    Labels: sortedStrings(spec.labels),
    ...(spec.stopSignal === '' || spec.stopSignal === 'SIGTERM' ? {} : { StopSignal: spec.stopSignal }),
    ...(spec.stopTimeout === DEFAULT_STOP_TIMEOUT ? {} : { StopTimeout: spec.stopTimeout }),
  });
  return withNil(inspected, 'Healthcheck');
}

const DEFAULT_STOP_TIMEOUT = 10;
