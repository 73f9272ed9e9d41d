/**
 * `create`: merges flags with the image's configuration, checks everything that can be checked without touching the
 * host, then makes the container's directory. A ContainerSpec that came out of here made sense; whatever fails later
 * is the host's doing.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import type { ContainerDefaults, StoredImage } from '../../images/types.ts';
import { validateResources } from '../../runtime/cgroup/validate.ts';
import { parseExposed, parsePort, type PortRequest } from '../../runtime/network/port-spec.ts';
import type { FirewallBackend } from '../../runtime/network/types.ts';
import { lastCapability, resolveCapabilities } from '../../runtime/process/capabilities.ts';
import { parseUlimit } from '../../runtime/process/rlimits.ts';
import type { ContainerConfig, ContainerSpec, MountSpec, NetworkSpec, ResourceSpec } from './container.ts';
import type { CreateRequest } from './create-request.ts';
import { parseEnv, parseLabels } from './env-flags.ts';
import { invalidArgument, invalidSpec, parseInteger } from './flag-errors.ts';
import { newId, randomName, shortId } from './ids.ts';
import { anonymousVolume, parseMount, parseTmpfs, parseVolume, type MountRequest } from './mount-flags.ts';
import { containerDir, type Paths } from './paths.ts';
import { parseSignal } from './signals.ts';
import { isValidName, NEW_STATE, type ContainerStore } from './store.ts';
import { timestamp } from './time.ts';
import { parseBytes, parseCpus } from './units.ts';
import { fillVolumes } from './volume-copy.ts';
import { ensureVolume, removeVolume } from './volumes.ts';

/** The configuration a request and an image make, with volumes still to be created. Touches nothing. */
export interface DraftContainer {
  readonly config: ContainerConfig;
  readonly mounts: readonly MountRequest[];
}

export function draftContainer(
  store: ContainerStore,
  request: CreateRequest,
  image: StoredImage,
): DraftContainer {
  const id = newId();
  const name = request.name?.replace(/^\//, '') ?? '';
  if (request.name !== undefined && !isValidName(name)) {
    throw invalidSpec(`Invalid container name (${request.name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  const defaults = image.config.config ?? {};
  const mounts = mountRequests(request, defaults);
  const spec = buildSpec(store, request, defaults, id);
  const config: ContainerConfig = {
    id,
    name,
    created: timestamp(),
    imageRef: request.image,
    imageId: image.id,
    platform: image.config.os,
    layers: image.layerDirs,
    spec: { ...spec, mounts },
  };
  return { config, mounts };
}

/** Makes the container. Everything made is removed again if a later part fails. */
export async function createContainer(
  store: ContainerStore,
  request: CreateRequest,
  image: StoredImage,
): Promise<ContainerConfig> {
  const draft = draftContainer(store, request, image);
  const { id } = draft.config;
  const dir = containerDir(store.paths, id);
  const undo: (() => void)[] = [];
  try {
    if (request.cidfile !== undefined) {
      writeCidFile(request.cidfile, id);
      undo.push(() => rmSync(request.cidfile as string, { force: true }));
    }
    mkdirSync(dir, { recursive: true, mode: 0o710 });
    undo.push(() => rmSync(dir, { recursive: true, force: true }));
    const name = reserveName(store, draft.config);
    undo.push(() => store.releaseName(name, id));
    const { mounts, fresh } = makeVolumes(store.paths, draft.mounts, undo);
    const config: ContainerConfig = { ...draft.config, name, spec: { ...draft.config.spec, mounts } };
    await fillVolumes(store.paths, config, fresh);
    store.writeState(id, NEW_STATE);
    store.writeConfig(config);
    return config;
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

function reserveName(store: ContainerStore, config: ContainerConfig): string {
  if (config.name !== '') {
    store.reserveName(config.name, config.id);
    return config.name;
  }
  for (let attempt = 0; ; attempt += 1) {
    const name = attempt < 5 ? randomName() : `${randomName()}_${shortId(newId())}`;
    try {
      store.reserveName(name, config.id);
      return name;
    } catch (error) {
      if ((error as { code?: string }).code !== 'NAME_IN_USE') throw error;
    }
  }
}

function writeCidFile(path: string, id: string): void {
  try {
    writeFileSync(path, id, { flag: 'wx' });
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw invalidSpec(
      exists
        ? `container ID file found, make sure the other container isn't running or delete ${path}`
        : `failed to create the container ID file: ${(error as Error).message}`,
    );
  }
}

function makeVolumes(
  paths: Paths,
  requests: readonly MountRequest[],
  undo: (() => void)[],
): { mounts: readonly MountSpec[]; fresh: readonly MountSpec[] } {
  const fresh: MountSpec[] = [];
  const mounts = requests.map(({ noCopy, ...mount }): MountSpec => {
    if (mount.type !== 'volume') return mount;
    const { volume, isNew } = ensureVolume(paths, mount.volume ?? newId(), mount.anonymous === true);
    const made: MountSpec = { ...mount, source: volume.mountpoint, volume: volume.name };
    if (isNew) {
      undo.push(() => removeVolume(paths, volume.name));
      if (!noCopy) fresh.push(made);
    }
    return made;
  });
  return { mounts, fresh };
}

/** Flags first; an image's VOLUME that nothing is mounted on becomes an anonymous volume. */
function mountRequests(request: CreateRequest, defaults: ContainerDefaults): readonly MountRequest[] {
  const asked = [
    ...(request.volume ?? []).map(parseVolume),
    ...(request.mount ?? []).map(parseMount),
    ...(request.tmpfs ?? []).map(parseTmpfs),
  ];
  const targets = new Set<string>();
  for (const { target } of asked) {
    if (targets.has(target)) throw invalidSpec(`Duplicate mount point: ${target}`);
    targets.add(target);
  }
  const fromImage = Object.keys(defaults.Volumes ?? {})
    .filter((path) => !targets.has(path.replace(/(.)\/+$/, '$1')))
    .map(anonymousVolume);
  return [...asked, ...fromImage];
}

function buildSpec(
  store: ContainerStore,
  request: CreateRequest,
  defaults: ContainerDefaults,
  id: string,
): ContainerSpec {
  const command = mergeCommand(request, defaults);
  const network = networkSpec(store, request, defaults);
  const privileged = request.privileged ?? false;
  const capAdd = request.capAdd ?? [];
  const capDrop = request.capDrop ?? [];
  // Called for its checks: an unknown name must be refused now, not when the container starts.
  resolveCapabilities({ capAdd, capDrop, privileged, lastCap: lastCapability() });
  const stopSignal = request.stopSignal ?? defaults.StopSignal ?? 'SIGTERM';
  parseSignal(stopSignal);
  const workingDir = request.workdir ?? defaults.WorkingDir ?? '';
  if (request.workdir !== undefined && !request.workdir.startsWith('/')) {
    throw invalidSpec(
      `the working directory '${request.workdir}' is invalid, it needs to be an absolute path`,
    );
  }
  return {
    ...command,
    env: [...(defaults.Env ?? []), ...parseEnv(request.env ?? [], request.envFile ?? [])],
    workingDir,
    user: request.user ?? defaults.User ?? '',
    groupAdd: request.groupAdd ?? [],
    hostname: hostnameFor(store, request, id),
    domainname: request.domainname ?? '',
    labels: { ...(defaults.Labels ?? {}), ...parseLabels(request.label ?? [], request.labelFile ?? []) },
    exposedPorts: exposedPorts(request, defaults, network.ports),
    stopSignal,
    stopTimeout: parseInteger(request.stopTimeout, '--stop-timeout') ?? 10,
    tty: request.tty ?? false,
    openStdin: request.interactive ?? false,
    attachStdin: request.attachStdin,
    attachStdout: request.attachStdout,
    attachStderr: request.attachStderr,
    autoRemove: request.rm ?? false,
    readOnly: request.readOnly ?? false,
    init: request.init ?? false,
    privileged,
    capAdd,
    capDrop,
    ...securityOptions(request.securityOpt ?? []),
    ulimits: (request.ulimit ?? []).map(parseUlimit),
    sysctls: keyValues(request.sysctl ?? [], '--sysctl'),
    devices: (request.device ?? []).map(parseDevice),
    shmSize: request.shmSize === undefined ? 0 : parseBytes(request.shmSize, '--shm-size'),
    oomScoreAdj: parseInteger(request.oomScoreAdj, '--oom-score-adj') ?? 0,
    mounts: [],
    network,
    resources: resourceSpec(request),
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

function hostnameFor(store: ContainerStore, request: CreateRequest, id: string): string {
  const mode = request.network ?? 'bridge';
  if (mode.startsWith('container:')) {
    if (request.hostname !== undefined) throw conflicting('hostname');
    return store.find(mode.slice('container:'.length)).config.spec.hostname;
  }
  if (request.hostname !== undefined) return request.hostname;
  return mode === 'host' ? readFileSync('/proc/sys/kernel/hostname', 'utf8').trim() : shortId(id);
}

function conflicting(what: string): Error {
  return invalidSpec(`conflicting options: ${what} and the network mode`);
}

function networkSpec(
  store: ContainerStore,
  request: CreateRequest,
  defaults: ContainerDefaults,
): NetworkSpec {
  const asked = request.network ?? 'bridge';
  const mode = networkMode(store, asked === 'default' ? 'bridge' : asked);
  const ports = (request.publish ?? []).flatMap(parsePort);
  if (mode !== 'bridge' && request.ip !== undefined) throw conflicting('ip address');
  if (mode.startsWith('container:') && (ports.length > 0 || request.publishAll === true)) {
    throw conflicting('port publishing');
  }
  if (request.ip !== undefined && !isIPv4(request.ip))
    throw invalidSpec(`invalid IPv4 address: ${request.ip}`);
  const mac = request.macAddress ?? '';
  if (mac !== '' && !/^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/.test(mac)) {
    throw invalidSpec(`invalid mac address: ${mac}`);
  }
  for (const entry of request.addHost ?? []) checkExtraHost(entry);
  for (const server of request.dns ?? []) {
    if (!isIPv4(server) && !server.includes(':'))
      throw invalidArgument(server, '--dns', `${server} is not an ip address`);
  }
  return {
    mode,
    ip: request.ip ?? '',
    macAddress: mac.replaceAll('-', ':').toLowerCase(),
    dns: request.dns ?? [],
    dnsSearch: request.dnsSearch ?? [],
    dnsOptions: request.dnsOption ?? [],
    extraHosts: request.addHost ?? [],
    // As in Docker, -p means nothing without a network of the container's own; `run` warns about it.
    ports: mode === 'bridge' ? withExposed(ports, request, defaults) : [],
    publishAll: request.publishAll ?? false,
    firewall: firewallBackend(request.firewall),
  };
}

function networkMode(store: ContainerStore, asked: string): string {
  if (asked === 'bridge' || asked === 'none' || asked === 'host') return asked;
  if (asked.startsWith('container:'))
    return `container:${store.find(asked.slice('container:'.length)).config.id}`;
  throw invalidSpec(
    `network ${asked} not found`,
    'minidock has one bridge network so far: use --network bridge, none, host or container:NAME.',
  );
}

function firewallBackend(asked: string | undefined): FirewallBackend {
  if (asked === undefined || asked === '' || asked === 'nftables') return 'nftables';
  if (asked === 'iptables') return 'iptables';
  throw invalidArgument(asked, '--firewall', 'must be nftables or iptables');
}

function checkExtraHost(entry: string): void {
  const at = entry.search(/[:=]/);
  const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (at <= 0 || !(isIPv4(address) || address.includes(':') || address === 'host-gateway')) {
    throw invalidArgument(entry, '--add-host', `invalid IP address in add-host: "${address}"`);
  }
}

/** -P: each exposed port that -p did not publish, on a free port of the host's choosing. */
function withExposed(
  ports: readonly PortRequest[],
  request: CreateRequest,
  defaults: ContainerDefaults,
): readonly PortRequest[] {
  if (request.publishAll !== true) return ports;
  const published = new Set(ports.map((port) => `${String(port.containerPort)}/${port.protocol}`));
  const exposed = exposedPorts(request, defaults, []).filter((port) => !published.has(port));
  return [...ports, ...exposed.flatMap((port) => parsePort(port))];
}

/** `80/tcp`, from the image, --expose and -p, sorted as Docker shows them. */
function exposedPorts(
  request: CreateRequest,
  defaults: ContainerDefaults,
  ports: readonly PortRequest[],
): readonly string[] {
  const all = new Set<string>();
  for (const text of [...Object.keys(defaults.ExposedPorts ?? {}), ...(request.expose ?? [])]) {
    for (const { port, protocol } of parseExposed(text)) all.add(`${String(port)}/${protocol}`);
  }
  for (const port of ports) all.add(`${String(port.containerPort)}/${port.protocol}`);
  return [...all].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

function securityOptions(
  options: readonly string[],
): Pick<ContainerSpec, 'securityOpt' | 'seccompProfile' | 'noNewPrivileges'> {
  let seccompProfile = '';
  let noNewPrivileges = false;
  for (const option of options) {
    const [, key = '', value = ''] = /^([^=:]+)(?:[=:](.*))?$/.exec(option) ?? [];
    if (key === 'no-new-privileges') noNewPrivileges = value !== 'false';
    else if (key === 'seccomp') seccompProfile = readProfile(value);
    else if (key === 'apparmor' || key === 'label' || key === 'systempaths') {
      throw invalidSpec(
        `security option "${option}" is not supported`,
        'minidock sets no AppArmor or SELinux label; it knows seccomp=… and no-new-privileges.',
      );
    } else throw invalidSpec(`invalid --security-opt: "${option}"`);
  }
  return { securityOpt: options, seccompProfile, noNewPrivileges };
}

function readProfile(value: string): string {
  if (value === 'unconfined') return value;
  if (value === 'builtin' || value === '') return '';
  let text: string;
  try {
    text = readFileSync(value, 'utf8');
    JSON.parse(text);
  } catch (error) {
    throw invalidSpec(`opening seccomp profile (${value}) failed: ${(error as Error).message}`);
  }
  return text;
}

function keyValues(entries: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      if (at <= 0) throw invalidArgument(entry, flag, `bad format, expected key=value`);
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** `/dev/fuse`, `/dev/fuse:/dev/x`, `/dev/fuse:/dev/x:rwm`, `/dev/fuse:r` */
function parseDevice(text: string): ContainerSpec['devices'][number] {
  const [host = '', second, third] = text.split(':');
  const isAccess = (word: string | undefined): boolean => word !== undefined && /^[rwm]{1,3}$/.test(word);
  const container = second === undefined || isAccess(second) ? host : second;
  const access = isAccess(second) ? second : third;
  if (!host.startsWith('/') || (access !== undefined && !isAccess(access))) {
    throw invalidArgument(text, '--device', 'bad format for path');
  }
  return { host, container, access: access ?? 'rwm' };
}

function resourceSpec(request: CreateRequest): ResourceSpec {
  const bytes = (text: string | undefined, flag: string): number =>
    text === undefined ? 0 : parseBytes(text, flag);
  const swap = request.memorySwap;
  const resources: ResourceSpec = {
    memory: bytes(request.memory, '-m, --memory'),
    memorySwap: swap === '-1' ? -1 : bytes(swap, '--memory-swap'),
    memoryReservation: bytes(request.memoryReservation, '--memory-reservation'),
    nanoCpus: request.cpus === undefined ? 0 : parseCpus(request.cpus),
    cpuShares: parseInteger(request.cpuShares, '-c, --cpu-shares') ?? 0,
    cpusetCpus: request.cpusetCpus ?? '',
    pidsLimit: parseInteger(request.pidsLimit, '--pids-limit') ?? 0,
  };
  validateResources(resources);
  return resources;
}
