/**
 * A container's devices out of CDI specifications, read anew at each start, since a driver that is updated writes its
 * specification anew. What they ask for is added to what the container was created with: device nodes, mounts,
 * variables and groups. Hooks are programs for runtimes of the OCI to run on the host; minidock runs none, and refuses a
 * device that needs one, rather than give it out half set up.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import type { ContainerConfig, MountSpec } from '../spec/container.ts';
import type { DeviceRequest } from '../spec/devices.ts';
import { CDI_DIRECTORIES, readSpecifications, type ContainerEdits, type Registry } from './specifications.ts';

/** The container as it starts. @throws MinidockError NO_SUCH_DEVICE, BAD_CDI. */
export function withCdiDevices(config: ContainerConfig, registry = readSpecifications()): ContainerConfig {
  const { deviceRequests = [] } = config.spec;
  const names = [...new Set(deviceRequests.flatMap((request) => namesOf(request, registry)))];
  const found = names.map((name) => ({ name, device: registry.devices.get(name) }));
  const missing = found.flatMap(({ name, device }) => (device === undefined ? [name] : []));
  if (missing.length > 0) throw unresolvable(missing, registry);
  const specifications = new Set(found.flatMap(({ device }) => (device === undefined ? [] : [device.of])));
  const edits = [
    ...[...specifications].flatMap(({ kind, containerEdits }) =>
      containerEdits === undefined ? [] : [{ name: kind, edits: containerEdits }],
    ),
    ...found.flatMap(({ name, device }) => (device === undefined ? [] : [{ name, edits: device.edits }])),
  ];
  return edits.reduce(withEdits, config);
}

function namesOf(request: DeviceRequest, registry: Registry): readonly string[] {
  const { driver, count, ids, capabilities = [], options = {} } = request;
  if (driver === 'cdi' && capabilities.length === 0) return ids ?? [];
  const kind = driver === '' || driver === 'nvidia' ? gpuKind(driver, registry) : undefined;
  if (kind === undefined) throw noDriver(driver, capabilities, registry);
  if (count !== 0 && ids !== undefined)
    throw refused('cannot set both Count and DeviceIDs on device request');
  if (Object.keys(options).length > 0)
    throw refused(`the options of --gpus mean nothing to the CDI devices ${kind}`);
  if (ids !== undefined) return ids.map((id) => `${kind}=${id}`);
  if (count >= 0) return Array.from({ length: count }, (_, index) => `${kind}=${String(index)}`);
  const all = `${kind}=all`;
  return registry.devices.has(all) ? [all] : [...registry.devices.keys()].filter((name) => isOf(name, kind));
}

const isOf = (name: string, kind: string): boolean => name.startsWith(`${kind}=`);

/** NVIDIA's, as in Docker, else those of any vendor. */
function gpuKind(driver: string, { devices }: Registry): string | undefined {
  const kinds = [...new Set([...devices.keys()].map((name) => name.split('=')[0] ?? ''))].sort();
  const nvidia = kinds.find((kind) => kind === 'nvidia.com/gpu');
  return nvidia ?? (driver === '' ? kinds.find((kind) => kind.endsWith('/gpu')) : undefined);
}

function withEdits(
  config: ContainerConfig,
  { name, edits }: { readonly name: string; readonly edits: ContainerEdits },
): ContainerConfig {
  const { env = [], deviceNodes = [], mounts = [], hooks = [], additionalGids = [] } = edits;
  const [hook] = hooks;
  if (hook !== undefined) {
    throw refused(
      `the CDI device ${name} needs the hook ${hook.path} (${hook.hookName}), and minidock runs no hooks`,
      'Give its device nodes with --device, and its files with -v, if they suffice.',
    );
  }
  const { spec } = config;
  const devices = deviceNodes.map(({ path, hostPath = path, permissions = '', fileMode, uid, gid }) => {
    if (!/^[rwm]{0,3}$/.test(permissions))
      throw refused(`the CDI device ${name} asks for the permissions ${permissions} of ${hostPath}`);
    return {
      ...{ host: hostPath, container: path, access: permissions === '' ? 'rwm' : permissions },
      ...(fileMode === undefined ? {} : { fileMode }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    };
  });
  const bound = mounts.map(({ hostPath, containerPath, options = [], type = 'bind' }): MountSpec => {
    if (type !== '' && type !== 'bind')
      throw refused(`the CDI device ${name} asks for a mount of the type ${type}, not bind`);
    return {
      ...{ type: 'bind', source: hostPath, target: containerPath, readOnly: options.includes('ro') },
      options: options.filter((word) => !['ro', 'rw', 'rbind'].includes(word)),
    };
  });
  return {
    ...config,
    spec: {
      ...spec,
      env: [...spec.env, ...env],
      devices: [...spec.devices, ...devices],
      mounts: [...spec.mounts, ...bound],
      groupAdd: [...spec.groupAdd, ...additionalGids.map(String)],
    },
  };
}

const refused = (message: string, hint?: string): MinidockError =>
  new MinidockError({
    code: 'NO_SUCH_DEVICE',
    message,
    ...(hint === undefined ? {} : { hint }),
    exitCode: 125,
  });

const noDriver = (driver: string, capabilities: readonly string[], registry: Registry): MinidockError =>
  refused(
    `could not select device driver "${driver}" with capabilities: [[${capabilities.join(' ')}]]`,
    hintOf(registry, 'describes a GPU'),
  );

const unresolvable = (names: readonly string[], registry: Registry): MinidockError =>
  refused(
    `CDI device injection failed: unresolvable CDI devices ${names.join(', ')}`,
    hintOf(registry, 'describes it'),
  );

function hintOf({ problems, devices }: Registry, what: string): string {
  const known = [...devices.keys()];
  const some = known.slice(0, 10).join(', ');
  return [
    `No CDI specification in ${CDI_DIRECTORIES.join(' or ')} ${what}.`,
    ...(known.length === 0 ? [] : [`Known: ${some}${known.length > 10 ? ', …' : ''}.`]),
    ...problems.slice(0, 3).map((problem) => `Not used: ${problem}.`),
  ].join(' ');
}
