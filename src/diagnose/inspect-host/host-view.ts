/**
 * `inspect --host`: a container from the host's side, which Docker does not show. It asks the kernel; minidock's
 * files only give the container's name, its journal, and what a stopped container has on disk.
 */
import { join } from 'node:path';
import { Journal } from '../../../runtime/plan/journal.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import { containerRunDir, overlayDir, type Paths } from '../../engine/state/paths.ts';
import { isSameProcess } from '../../engine/state/process-identity.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { namespaceAt } from '../host/netns.ts';
import { cableAt, findEnd, type Interface, type Model } from '../graph/model.ts';
import { observe } from '../graph/observe.ts';
import {
  cgroupsOf,
  namespacesOf,
  overlayOf,
  usersOf,
  type HostCgroup,
  type HostNamespace,
  type HostOverlay,
  type HostUsers,
} from './places.ts';
import { processTree, type HostProcess } from './processes.ts';
import { hasProgram } from '../../engine/spec/container.ts';

export interface HostView {
  readonly Id: string;
  readonly Name: string;
  readonly Running: boolean;
  /** Cables from this host, or from any visible namespace, to the container's interfaces. */
  readonly Cables: readonly HostCable[];
  readonly Namespaces: readonly HostNamespace[];
  /** Users of the container and who they are on this host; empty where they are the same. */
  readonly Users: readonly HostUsers[];
  /** '' while it does not run. */
  readonly EnterAll: string;
  readonly Cgroups: readonly HostCgroup[];
  readonly Overlay: HostOverlay;
  readonly Rules: readonly HostRule[];
  readonly Journal: readonly JournalStep[];
  readonly Processes: readonly HostProcess[];
  /** Where minidock's records and the kernel disagree. */
  readonly Disagreements: readonly string[];
}

export interface HostCable {
  readonly HostName: string;
  readonly HostIndex: number;
  readonly HostMac: string;
  /** '' and 0 where it is no port of a bridge. */
  readonly Bridge: string;
  readonly BridgeIndex: number;
  readonly ContainerName: string;
  readonly ContainerIndex: number;
  readonly ContainerMac: string;
  readonly Addresses: readonly string[];
  readonly Up: boolean;
}

export interface HostRule {
  readonly Tool: string;
  /** 'ip minidock published', 'nat MINIDOCK': table, and chain or map. */
  readonly Where: string;
  readonly Rule: string;
}

export interface JournalStep {
  readonly Step: string;
  /** '' if another step's undo covers it. */
  readonly Undo: string;
}

export async function readHostView(
  store: ContainerStore,
  containers: readonly Container[],
): Promise<readonly HostView[]> {
  const model = await observe(store, { all: true });
  const others = store
    .list()
    .filter(({ state }) => hasProgram(state))
    .map(({ config, state }) => ({ name: config.name, pid: state.pid }));
  return containers.map((container) => viewOf(store.paths, container, model, others));
}

function viewOf(
  paths: Paths,
  container: Container,
  model: Model,
  others: readonly { readonly name: string; readonly pid: number }[],
): HostView {
  const { config, state } = container;
  const running = hasProgram(state) && isSameProcess(state.pid, state.pidStartTime);
  const { pid } = state;
  const inode = running ? namespaceAt(`/proc/${pid}/ns/net`) : undefined;
  const cables = inode === undefined || inode === model.here ? [] : cablesOf(model, inode);
  return {
    Id: config.id,
    Name: `/${config.name}`,
    Running: running,
    Cables: cables,
    Namespaces: running ? namespacesOf(pid, others) : [],
    Users: running ? usersOf(pid) : [],
    EnterAll: running ? `nsenter --target ${pid} --all` : '',
    Cgroups: running ? cgroupsOf(pid) : [],
    Overlay: overlayView(paths, container, running),
    Rules: rulesFor(
      model,
      cables.flatMap(({ Addresses }) => Addresses.map((one) => one.split('/')[0] ?? '')),
    ),
    Journal: new Journal(join(containerRunDir(paths, config.id), 'journal')).read().map(({ id, undo }) => ({
      Step: id,
      Undo: undo === undefined ? '' : renderCommand(undo),
    })),
    Processes: processTree(container),
    Disagreements: model.disagreements
      .filter((text) => text.startsWith(`${config.name}: `))
      .map((text) => text.slice(config.name.length + 2)),
  };
}

function cablesOf(model: Model, inode: number): readonly HostCable[] {
  const inside = model.namespaces.find((namespace) => namespace.inode === inode);
  return (inside?.interfaces ?? []).flatMap((link): readonly HostCable[] => {
    const other = cableAt(model, { inode, index: link.index })?.other;
    const end = other === undefined ? undefined : findEnd(model, other);
    if (end === undefined || other?.inode === inode) return [];
    const bridge = end.namespace.interfaces.find(({ index }) => index === end.link.master);
    return [toCable(end.link, link, bridge)];
  });
}

const toCable = (host: Interface, own: Interface, bridge: Interface | undefined): HostCable => ({
  HostName: host.name,
  HostIndex: host.index,
  HostMac: host.mac,
  Bridge: bridge?.name ?? '',
  BridgeIndex: bridge?.index ?? 0,
  ContainerName: own.name,
  ContainerIndex: own.index,
  ContainerMac: own.mac,
  Addresses: own.addresses,
  Up: host.up && own.up,
});

function overlayView(paths: Paths, { config, state }: Container, running: boolean): HostOverlay {
  const own = overlayDir(paths, config.id);
  const noted = {
    LowerDirs: [...config.layers].reverse(),
    UpperDir: join(own, 'upper'),
    WorkDir: join(own, 'work'),
  };
  return {
    ...((running ? overlayOf(state.pid) : undefined) ?? noted),
    MergedDir: join(containerRunDir(paths, config.id), 'rootfs'),
    SeenFromHost: running ? `/proc/${state.pid}/root` : '',
  };
}

/** Elements and rules in the kernel that name one of the container's addresses. */
function rulesFor(model: Model, addresses: readonly string[]): readonly HostRule[] {
  const named = (text: string): boolean =>
    [...text.split(/[^0-9.]+/), ...text.split(/[^0-9a-f:]+/)].some((word) => addresses.includes(word));
  const elements = [...model.published, ...model.idle]
    .filter(({ toAddress, where }) => addresses.includes(toAddress) && isMap(model, where))
    .map(({ protocol, address, port, toAddress, toPort, where }): HostRule => {
      const key = `${address === '' ? '' : `${address} . `}${protocol} . ${port}`;
      return { Tool: 'nft', Where: where, Rule: `${key} : ${toAddress} . ${toPort}` };
    });
  const rules = model.chains.flatMap(({ tool, table, name, rules: all }) =>
    all.filter(named).map((rule): HostRule => ({ Tool: tool, Where: `${table} ${name}`, Rule: rule })),
  );
  return [...elements, ...rules];
}

/** A redirection in a chain counts as that chain's rule. */
const isMap = ({ chains }: Model, where: string): boolean =>
  !/^ip6?tables /.test(where) && !chains.some(({ table, name }) => `${table} ${name}` === where);
