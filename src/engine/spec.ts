/**
 * Merges flags with the image's configuration into a ContainerSpec, by Docker's rules. Touches nothing: a spec that
 * comes out of here made sense, and whatever fails later is the host's doing.
 */
import type { ContainerDefaults } from '../../images/types.ts';
import {
  availableCapabilities,
  lastCapability,
  resolveCapabilities,
} from '../../runtime/process/capabilities.ts';
import { healthSpec } from './spec/health-flags.ts';
import { restartSpec } from './spec/restart-flags.ts';
import { parseUlimit } from './spec/ulimits.ts';
import type { ContainerSpec } from './spec/container.ts';
import type { CreateRequest } from './spec/create-request.ts';
import { mergeEnv, parseEnv, parseLabels } from './spec/env-flags.ts';
import { invalidSpec, parseInteger } from './spec/flag-errors.ts';
import { exposedPorts, hostnameFor, networkSpec } from './network/network-flags.ts';
import { annotations, cgroupParent, namespaceSpec } from './spec/namespace-flags.ts';
import { deviceRequests, isCdiName } from './spec/gpu-flags.ts';
import { parseDevice, parseDeviceRules, parseSysctls, securityOptions } from './spec/security-flags.ts';
import { refuseUnsupported } from './spec/refused-flags.ts';
import { resourceSpec } from './spec/resource-flags.ts';
import { parseSignal } from './spec/signals.ts';
import type { ContainerStore } from './state/store.ts';
import { logSpec } from './spec/log-flags.ts';
import { parseBytes } from './spec/units.ts';
import { usernsMode } from './spec/userns-flags.ts';

export function buildSpec(
  store: ContainerStore,
  request: CreateRequest,
  defaults: ContainerDefaults,
  id: string,
): ContainerSpec {
  refuseUnsupported(request);
  const command = mergeCommand(request, defaults);
  const network = networkSpec(store, request, defaults);
  const userns = usernsMode(request, network.mode);
  const privileged = request.privileged ?? false;
  const capAdd = request.capAdd ?? [];
  const capDrop = request.capDrop ?? [];
  // Called for its checks: an unknown name must be refused now, not when the container starts.
  resolveCapabilities({
    capAdd,
    capDrop,
    privileged,
    lastCap: lastCapability(),
    available: availableCapabilities(),
  });
  const stopSignal = request.stopSignal ?? defaults.StopSignal ?? 'SIGTERM';
  parseSignal(stopSignal);
  // Docker takes an empty -w for none.
  const workdir = request.workdir === '' ? undefined : request.workdir;
  const workingDir = workdir ?? defaults.WorkingDir ?? '';
  if (workdir !== undefined && !workdir.startsWith('/')) {
    throw invalidSpec(`the working directory '${workdir}' is invalid, it needs to be an absolute path`);
  }
  return {
    ...command,
    env: mergeEnv(defaults.Env ?? [], parseEnv(request.env ?? [], request.envFile ?? [])),
    workingDir,
    user: request.user ?? defaults.User ?? '',
    groupAdd: request.groupAdd ?? [],
    hostname: hostnameFor(store, request, id),
    domainname: request.domainname ?? '',
    labels: { ...(defaults.Labels ?? {}), ...parseLabels(request.label ?? [], request.labelFile ?? []) },
    exposedPorts: exposedPorts(request, defaults, network.ports),
    stopSignal,
    ...healthSpec(request, defaults.Healthcheck),
    stopTimeout: parseInteger(request.stopTimeout, '--stop-timeout') ?? 10,
    tty: request.tty ?? false,
    openStdin: request.interactive ?? false,
    attachStdin: request.attachStdin,
    attachStdout: request.attachStdout,
    attachStderr: request.attachStderr,
    autoRemove: request.rm ?? false,
    ...restartSpec(request),
    readOnly: request.readOnly ?? false,
    init: request.init ?? false,
    privileged,
    usernsMode: userns,
    ...namespaceSpec((name) => store.find(name).config.id, request, userns),
    ...cgroupParent(request.cgroupParent),
    ...annotations(request.annotation),
    capAdd,
    capDrop,
    ...securityOptions(request.securityOpt ?? []),
    ulimits: (request.ulimit ?? []).map(parseUlimit),
    sysctls: parseSysctls(request.sysctl ?? [], network.mode),
    devices: (request.device ?? []).filter((device) => !isCdiName(device)).map(parseDevice),
    ...deviceRequests(request.gpus, request.device),
    ...parseDeviceRules(request.deviceCgroupRule),
    shmSize: request.shmSize === undefined ? 0 : parseBytes(request.shmSize, '--shm-size'),
    oomScoreAdj: oomScore(request.oomScoreAdj),
    mounts: [],
    network,
    resources: resourceSpec(request),
    log: logSpec(request),
  };
}

/** Docker's rule: an entrypoint given by flag drops the image's command; `--entrypoint ""` clears the image's. */
function mergeCommand(
  request: CreateRequest,
  defaults: ContainerDefaults,
): Pick<ContainerSpec, 'entrypoint' | 'cmd'> {
  const own = request.entrypoint;
  const entrypoint = own === undefined ? (defaults.Entrypoint ?? []) : own === '' ? [] : [own];
  const cmd = request.args.length > 0 ? request.args : own === undefined ? (defaults.Cmd ?? []) : [];
  if (entrypoint.length + cmd.length === 0) {
    throw invalidSpec('no command specified', 'The image names no command: give one after the image.');
  }
  return { entrypoint, cmd };
}

function oomScore(text: string | undefined): number {
  const value = parseInteger(text, '--oom-score-adj') ?? 0;
  if (value < -1000 || value > 1000) {
    throw invalidSpec(`Invalid value ${String(value)}, range for oom score adj is [-1000, 1000]`);
  }
  return value;
}
