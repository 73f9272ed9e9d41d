/** Turns a configuration with its network acquired into the plan of one run, and lays out the bundle on disk. */
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciConfig, OciDevice } from '../../../runtime/bundle.ts';
import type { HostStep } from '../../../runtime/plan/step.ts';
import { cgroupLayout, type CgroupLayout } from '../../../runtime/cgroup/detect.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { mappingTo } from '../../../runtime/process/identity/id-ranges.ts';
import type { BridgeEndpoint } from '../../../runtime/network/types.ts';
import { userNamespace } from '../../../runtime/process/identity/user-namespace.ts';
import { hostDevices, splitDevice } from '../../../runtime/rootfs/host-devices.ts';
import { buildBundle, emptyLayer } from './bundle.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { cgroupsPath, containerRunDir, type Paths } from '../state/paths.ts';
import { seal } from '../state/seal.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import type { Joined } from './bundle-input.ts';
import { startNamespaces } from './bundle-namespaces.ts';
import { checkPropagation } from './propagation.ts';
import { netnsPathOf, planRun, planStart, type RunPlan, type StartInput } from './run-plan.ts';
import { makeUpper } from './upper.ts';
import type { Attachment } from '../network/attachment.ts';

export interface RunOptions {
  /** Of the terminal that waits for the container, if there is one. */
  readonly size?: { readonly rows: number; readonly columns: number } | undefined;
  /** PID 1 sends its spans. */
  readonly trace?: boolean;
  /** PID 1 is to ask before each step. */
  readonly step?: boolean;
  /** With --userns=auto: the machine's id of its root. */
  readonly firstId?: number | undefined;
  /** See early-plan.ts. */
  readonly early?: readonly HostStep[] | undefined;
  /** The container with its devices of CDI, if it has any (src/engine/cdi). */
  readonly withCdi?: ContainerConfig | undefined;
  /** Whose namespaces it joins. */
  readonly joined?: Joined | undefined;
}

/** Where what PID 1 is started with will be. */
export function placesOf(
  paths: Paths,
  config: ContainerConfig,
  { firstId, joined }: Pick<RunOptions, 'firstId' | 'joined'> = {},
): StartInput {
  const runDir = containerRunDir(paths, config.id);
  return {
    binary: process.execPath,
    bundleDir: join(runDir, 'bundle'),
    socketPath: join(runDir, 'init.sock'),
    cgroupsPath: cgroupsPath(config),
    namespaces: startNamespaces(config.spec, joined?.namespaces),
    mapping: firstId === undefined ? undefined : mappingTo(firstId),
  };
}

const endpointsOf = (attachment: Attachment): readonly BridgeEndpoint[] =>
  attachment.kind === 'bridge' ? [attachment.endpoint, ...attachment.more] : [];

/** Pure but for reading the host's devices and cgroup mounts, as is `computeRun`; `prepareRun` also writes. */
export function computeBundle(
  paths: Paths,
  created: ContainerConfig,
  attachment: Attachment,
  options: RunOptions = {},
): { bundle: OciConfig; cgroup: CgroupLayout } {
  const { withCdi: config = created } = options;
  const cgroup = cgroupLayout();
  const failAt = process.env['MINIDOCK_FAIL_AT'];
  const bundle = buildBundle({
    config,
    paths,
    cgroup,
    netnsPath: netnsPathOf(attachment),
    devices: [...config.spec.devices.map(lookUpDevice), ...(config.spec.privileged ? hostDevices() : [])],
    ipv6: existsSync('/proc/sys/net/ipv6'),
    interfacesWithIpv6: endpointsOf(attachment).flatMap(({ address6, interfaceName }) =>
      address6 === undefined ? [] : [interfaceName],
    ),
    userNamespace: userNamespace(),
    firstId: options.firstId,
    joined: options.joined,
    trace: options.trace ?? false,
    step: options.step ?? false,
    ...(options.size === undefined ? {} : { size: options.size }),
    ...(failAt === undefined ? {} : { failAt }),
  });
  return { bundle, cgroup };
}

export function computeRun(
  paths: Paths,
  config: ContainerConfig,
  attachment: Attachment,
  options: RunOptions = {},
): { plan: RunPlan; bundle: OciConfig; bundleText: string } {
  const { bundle, cgroup } = computeBundle(paths, config, attachment, options);
  const start = planStart(placesOf(paths, config, options));
  const { early = [] } = options;
  return {
    plan: planRun({ bundle, attachment, cgroup, start, early }),
    bundle,
    bundleText: JSON.stringify(bundle),
  };
}

export function prepareRun(
  paths: Paths,
  config: ContainerConfig,
  attachment: Attachment,
  options: RunOptions,
): RunPlan {
  checkPropagation(config.spec.mounts);
  const { plan, bundle, bundleText } = computeRun(paths, config, attachment, options);
  const { bundleDir } = placesOf(paths, config);
  ensurePrivateDir(bundleDir);
  ensurePrivateDir(join(containerRunDir(paths, config.id), 'rootfs'));
  makeUpper(paths, config);
  for (const { path } of bundle.root.images ?? []) {
    ensurePrivateDir(path);
    mkdirSync(emptyLayer(paths, config.id), { recursive: true });
  }
  // OCI's readers ignore a field that they do not know.
  writeFileSync(join(bundleDir, 'config.json'), seal(bundleText), { mode: 0o600 });
  return plan;
}

function lookUpDevice(device: ContainerConfig['spec']['devices'][number]): OciDevice {
  const stats = statSync(device.host, { throwIfNoEntry: false });
  if (stats === undefined || !(stats.isCharacterDevice() || stats.isBlockDevice())) {
    throw new MinidockError({
      code: 'NO_SUCH_DEVICE',
      message: `error gathering device information while adding custom device "${device.host}": ${stats === undefined ? 'no such file or directory' : 'not a device node'}`,
      exitCode: 125,
    });
  }
  if (userNamespace() !== undefined && !(device.access.includes('r') && device.access.includes('w'))) {
    throw new MinidockError({
      code: 'DEVICE_ACCESS',
      message:
        `the device "${device.host}" cannot be given for "${device.access}" alone: minidock runs in a user ` +
        'namespace, where the kernel allows no device rules',
      hint: 'Give it for "rw", or run minidock as root of the machine.',
      exitCode: 125,
    });
  }
  return {
    type: stats.isBlockDevice() ? 'b' : 'c',
    path: device.container,
    hostPath: device.host,
    ...splitDevice(stats.rdev),
    fileMode: device.fileMode ?? stats.mode & 0o777,
    uid: device.uid ?? stats.uid,
    gid: device.gid ?? stats.gid,
  };
}
