/**
 * `run --script`: collects what the script needs to know of the image and the host, and prints it. It creates and
 * takes nothing.
 */
import { existsSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import { compileSeccomp } from '../../../runtime/process/seccomp/compile.ts';
import type { OciConfig } from '../../../runtime/bundle.ts';
import { addressText } from '../../../runtime/network/host-address.ts';
import { ports6 } from '../../../runtime/network/firewall/ports6.ts';
import type { BridgeEndpoint } from '../../../runtime/network/types.ts';
import { releasePorts, reservePorts } from '../../../runtime/network/ports.ts';
import type { ContainerConfig } from '../../engine/spec/container.ts';
import type { DraftContainer } from '../../engine/create.ts';
import type { CreateRequest } from '../../engine/spec/create-request.ts';
import { networkFiles } from '../../engine/network/network-files.ts';
import { linkedHosts } from '../../engine/network/networking.ts';
import { previewNetwork } from '../../engine/network/preview-network.ts';
import { relayedPorts } from '../../engine/network/relayed-ports.ts';
import { ownAddresses } from '../../engine/spec/endpoints.ts';
import { containerDir } from '../../engine/state/paths.ts';
import { planRun, planStart } from '../../engine/plans/run-plan.ts';
import type { Attachment } from '../../engine/network/attachment.ts';
import { readCdi } from '../../engine/cdi/effective.ts';
import { computeBundle, placesOf } from '../../engine/plans/prepare.ts';
import { needsMtab } from '../../engine/plans/upper.ts';
import { planVolumes } from '../../engine/plans/volume-plan.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { ContainerStore } from '../../engine/state/store.ts';
import { relocate, type FreshVolume } from './places.ts';
import { renderScript } from './script.ts';

export interface ScriptRequest {
  readonly draft: DraftContainer;
  readonly request: CreateRequest;
  readonly detached: boolean;
}

export async function printScript(store: ContainerStore, asked: ScriptRequest): Promise<void> {
  stdout.write(await makeScript(store, asked));
}

async function makeScript(
  store: ContainerStore,
  { draft, request, detached }: ScriptRequest,
): Promise<string> {
  const { config, mounts } = draft;
  const { paths } = store;
  refuseUsers(config);
  const found = withFreePorts(await previewNetwork(store, config));
  const named = found.kind === 'bridge' && found.names !== undefined && found.names.length > 0;
  // A resolver is a program that minidock has and a script has not.
  const attachment: Attachment = named ? { ...found, names: [] } : found;
  const computed = computeBundle(paths, config, attachment, { withCdi: await readCdi(config) });
  const volumes = freshVolumes(draft);
  const bundle = relocate(computed.bundle, { filesDir: containerDir(paths, config.id), volumes });
  const plan = planRun({
    bundle,
    attachment,
    cgroup: computed.cgroup,
    start: planStart(placesOf(paths, config)),
    early: planVolumes(paths, config),
  });
  const { endpoint, more = [] } = attachment.kind === 'bridge' ? attachment : {};
  return renderScript({
    plan,
    bundle,
    id: config.id,
    image: config.imageRef,
    layers: computed.bundle.root.lower,
    files: networkFiles(paths, config, {
      addresses: endpoint === undefined ? [] : [endpoint, ...more].flatMap(ownAddresses),
      gateway: endpoint?.network.gateway ?? '',
      links: await linkedHosts(store, config),
    }),
    mtab: needsMtab(config.layers),
    volumes: [...volumes.values()],
    hostDirectories: mounts.flatMap(({ makeSource, source }) => (makeSource === true ? [source] : [])),
    filter: filterOf(bundle),
    interactive: config.spec.openStdin,
    detached,
    notes: [
      ...notesOn(config, request, [...volumes.values()], detached),
      ...(named
        ? ['The names of other containers are not looked up: only minidock runs a resolver for them.']
        : []),
      ...(endpoint === undefined ? [] : relayNote(endpoint)),
    ],
  });
}

/** Rules serve the most of IPv6; no rule leads from ::1 to a container, nor from one family to the other. */
function relayNote(endpoint: BridgeEndpoint): readonly string[] {
  const relayed = relayedPorts(endpoint);
  if (relayed.length === 0) return [];
  const alone = relayed.filter((port) => !ports6(endpoint).includes(port));
  const [first, ...more] = alone.map(
    ({ hostIp, hostPort, protocol }) => `${addressText(hostIp)}:${String(hostPort)}/${protocol}`,
  );
  const which =
    first === undefined
      ? 'clients at [::1]'
      : more.length === 0
        ? first
        : `${first} and ${String(more.length)} more`;
  return [`The script does not serve ${which}: no rule can, and only minidock runs a relay for them.`];
}

/** Mounts for a container with its own users need descriptors, which a shell cannot pass. */
function refuseUsers({ spec }: ContainerConfig): void {
  const { pid = '', ipc = '' } = spec.namespaces ?? {};
  if (pid.startsWith('container:') || ipc.startsWith('container:') || ipc === 'shareable') {
    throw new MinidockError({
      code: 'NO_SCRIPT',
      message: '--script cannot make a container that shares namespaces with others (--pid, --ipc)',
      hint: 'See the steps with --dry-run.',
      exitCode: 125,
    });
  }
  if (spec.usernsMode !== 'auto') return;
  throw new MinidockError({
    code: 'NO_SCRIPT',
    message: '--script cannot make a container with users of its own (--userns=auto)',
    hint: 'Give --userns=host, or see the steps with --dry-run.',
    exitCode: 125,
  });
}

/** An unset host port becomes one that is free now. */
function withFreePorts(attachment: Attachment): Attachment {
  if (attachment.kind !== 'bridge') return attachment;
  const { endpoint } = attachment;
  const ports = endpoint.ports.map((port) => {
    if (port.hostPort !== 0 && !('hostPortEnd' in port)) return port;
    const { bindings, held } = reservePorts([port]);
    releasePorts(held);
    return bindings[0] ?? port;
  });
  return { ...attachment, endpoint: { ...endpoint, ports } };
}

function freshVolumes({ mounts }: DraftContainer): ReadonlyMap<string, FreshVolume> {
  const fresh = mounts.filter(({ type, source }) => type === 'volume' && !existsSync(source));
  return new Map(
    fresh.map(({ source, target, volume, anonymous, noCopy }, index) => [
      source,
      {
        path: `volumes/${index + 1}`,
        target,
        ...(anonymous === true || volume === undefined ? {} : { name: volume }),
        filled: !noCopy,
      },
    ]),
  );
}

/** With no_new_privs only: setpriv(1) cannot load one without. */
function filterOf({ linux, process: { noNewPrivileges } }: OciConfig): string | undefined {
  if (linux.seccomp === undefined || !noNewPrivileges) return undefined;
  const program = compileSeccomp(linux.seccomp, process.arch === 'arm64' ? 'aarch64' : 'x86_64');
  return Buffer.from(program).toString('base64');
}

function notesOn(
  { spec }: ContainerConfig,
  request: CreateRequest,
  volumes: readonly FreshVolume[],
  detached: boolean,
): readonly string[] {
  const unused = [
    ...(request.name === undefined ? [] : ['--name']),
    ...(Object.keys(spec.labels).length === 0 ? [] : ['labels']),
    ...(request.cidfile === undefined ? [] : ['--cidfile']),
    ...(request.stopSignal === undefined ? [] : ['--stop-signal']),
    ...(request.stopTimeout === undefined ? [] : ['--stop-timeout']),
    ...(request.attach === undefined ? [] : ['-a']),
  ];
  return [
    ...(detached
      ? ['With -d the script prints the id once the program begins, and stays to undo: put an & after it.']
      : []),
    ...(request.rm === true ? [] : ['The container’s files go with it, as with --rm.']),
    ...(unused.length === 0 ? [] : [`Without effect here, and left out: ${unused.join(', ')}.`]),
    ...(spec.user === '' ? [] : ['The script does not give the standard streams to the program’s user.']),
    ...volumes.flatMap(({ name }) =>
      name === undefined
        ? []
        : [`The volume ${name} did not exist: it belongs to the script, which removes it.`],
    ),
  ];
}
