/** A container as a row of `ps`: each field in the words of `docker ps`, truncated unless --no-trunc is given. */
import {
  hasProgram,
  isBridged,
  type ContainerConfig,
  type ContainerState,
} from '../engine/spec/container.ts';
import { endpointSpecs, endpointStates } from '../engine/spec/endpoints.ts';
import { displayPorts } from './display-ports.ts';
import type { ListStyle, Row } from './rows.ts';
import { goQuote } from './go-template/quote.ts';
import { ellipsis, goTime, humanAgo, humanDuration, humanSize, isNever, shortId } from '../ui/human.ts';

export interface Sizes {
  /** Bytes in the writable layer. */
  readonly rw: number;
  /** Bytes of the image and the writable layer. */
  readonly rootFs: number;
}

export interface ContainerEntry {
  readonly config: ContainerConfig;
  readonly state: ContainerState;
  /** Only if they were asked for. */
  readonly sizes?: Sizes | 'unknown';
}

export interface RowOptions {
  readonly noTrunc: boolean;
  readonly now: Date;
  /** What its image is called now; as it was called when the container was made, if left out. */
  readonly imageName?: (config: ContainerConfig) => string;
}

const COLUMNS = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Ports: 'PORTS',
  State: 'STATE',
  Status: 'STATUS',
  Size: 'SIZE',
  Names: 'NAMES',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
  LocalVolumes: 'LOCAL VOLUMES',
  Networks: 'NETWORKS',
};

/** `withSize` adds the SIZE column. */
export function containerListStyle(withSize: boolean): ListStyle {
  const plain = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'];
  return { columns: COLUMNS, defaultColumns: withSize ? [...plain, 'Size'] : plain, quietColumn: 'ID' };
}

/** Whether a template asks for sizes, which cost a walk over the writable layer; `json` alone does not, as in Docker. */
export const asksForSize = (format: string | undefined): boolean =>
  format !== undefined && /\.Size\b|json \./.test(format);

export function containerRow({ config, state, sizes }: ContainerEntry, options: RowOptions): Row {
  const { noTrunc, now, imageName = ({ imageRef }: ContainerConfig) => imageRef } = options;
  const { spec } = config;
  const cut = (text: string, width: number): string => (noTrunc ? text : ellipsis(text, width));
  return {
    Command: quoted(cut(commandLine(spec.entrypoint, spec.cmd), 20)),
    // Fields outside of the plain table are computed on demand; the first use of the local time zone takes 10 ms.
    get CreatedAt() {
      return goTime(config.created);
    },
    ID: noTrunc ? config.id : shortId(config.id),
    Image: imageText(imageName(config), config, noTrunc),
    Label: (name) => spec.labels[name] ?? '',
    get Labels() {
      const labels = Object.entries(spec.labels).map(([key, value]) => `${key}=${value}`);
      return labels.sort().join(',');
    },
    get LocalVolumes() {
      return String(spec.mounts.filter((mount) => mount.type === 'volume').length);
    },
    get Mounts() {
      const mounts = spec.mounts.filter((mount) => mount.type !== 'tmpfs');
      return mounts.map((mount) => cut(mount.volume ?? mount.image?.name ?? mount.source, 15)).join(',');
    },
    Names: config.name,
    get Networks() {
      return networkNames(config, state).join(',');
    },
    Ports: hasProgram(state) ? displayPorts(state.network?.ports ?? [], portsExposed(config, state)) : '',
    RunningFor: humanAgo(config.created, now),
    Size: sizeWords(sizes),
    State: state.status,
    Status: `${statusText(state, now)}${state.logLoss === undefined ? '' : ' (log incomplete)'}`,
  };
}

/** 'Up 3 minutes', 'Up 3 minutes (Paused)', 'Restarting (1) 2 seconds ago', 'Exited (0) 2 hours ago', 'Created', 'Dead'. */
export function statusText(state: ContainerState, now: Date): string {
  switch (state.status) {
    case 'running':
      return `Up ${humanDuration(now.getTime() - Date.parse(state.startedAt))}${healthText(state)}`;
    case 'paused':
      return `Up ${humanDuration(now.getTime() - Date.parse(state.startedAt))} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode}) ${humanAgo(state.finishedAt, now)}`;
    case 'created':
      return 'Created';
    case 'dead':
      return 'Dead';
    case 'exited':
      return isNever(state.finishedAt) ? '' : `Exited (${state.exitCode}) ${humanAgo(state.finishedAt, now)}`;
  }
}

const healthText = ({ health }: ContainerState): string =>
  health === undefined ? '' : health.status === 'starting' ? ' (health: starting)' : ` (${health.status})`;

/** Arguments with a space are shown in quotes. */
export function commandLine(entrypoint: readonly string[], cmd: readonly string[]): string {
  const [program = '', ...args] = [...entrypoint, ...cmd];
  return [program, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
}

/** As Docker does, with Go's strconv.Quote; the test avoids it for nearly all. */
const quoted = (text: string): string => (/^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : goQuote(text));

/** An id is shortened, also one that was given in part; a digest behind a tag is left out. */
function imageText(name: string, { imageId }: ContainerConfig, noTrunc: boolean): string {
  if (name === '') return '<no image>';
  if (noTrunc) return name;
  const short = shortId(imageId);
  return short !== '' && shortId(name) === short ? short : name.replace(/(:[^/@]+)@sha256:[0-9a-f]+$/, '$1');
}

/** In alphabetical order. Empty for one in another's network, which has none of its own, and for one on no network. */
export function networkNames({ spec }: ContainerConfig, state: ContainerState): readonly string[] {
  const { mode } = spec.network;
  if (mode.startsWith('container:')) return [];
  if (!isBridged(mode)) return [mode];
  const attached = endpointStates(state.network).map(({ network }) => network.name);
  if (attached.length > 0) return attached.toSorted();
  return endpointSpecs(spec.network)
    .map(({ network }) => network)
    .toSorted();
}

/** In the host's network a container has no ports of its own. */
const portsExposed = ({ spec }: ContainerConfig, state: ContainerState): readonly string[] =>
  state.network?.network === undefined ? [] : spec.exposedPorts;

function sizeWords(sizes: Sizes | 'unknown' | undefined): string {
  if (sizes === undefined) return '0B';
  if (sizes === 'unknown') return 'N/A';
  return `${humanSize(sizes.rw)} (virtual ${humanSize(sizes.rootFs)})`;
}
