/** The filters of `ps`: `--filter status=exited --filter name=web`. Keys are ANDed, one key's values ORed (labels ANDed). */
import { MinidockError } from '../../runtime/errors.ts';
import { networkNames, type ContainerEntry } from './container-row.ts';
import { endpointStates } from '../engine/spec/endpoints.ts';
import { invalidFilter, matchLabels, matchPattern, parseFilters, type Filters } from './filters.ts';
import { hasProgram } from '../engine/spec/container.ts';

const STATUSES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead'];

const HEALTH = ['none', 'starting', 'healthy', 'unhealthy'];

export interface ContainerFilters {
  readonly values: Filters;
  /** A status filter also lists stopped containers, without -a. */
  readonly selectsStatus: boolean;
}

/** @throws MinidockError FILTER_INVALID, in Docker's words. */
export function parseContainerFilters(texts: readonly string[]): ContainerFilters {
  const values = parseFilters(texts, {
    known: [
      'ancestor', 'before', 'exited', 'expose', 'health', 'id', 'label', 'name', 'network', 'publish', 'since', 'status', 'volume',
    ], // prettier-ignore
    unsupported: {
      'is-task': 'there are no services, hence no tasks',
      isolation: 'there is only one kind of isolation',
    },
  });
  for (const status of values.get('status') ?? []) {
    if (!STATUSES.includes(status)) {
      throw invalidFilter(`invalid filter 'status=${status}'`, `a status is one of ${STATUSES.join(', ')}`);
    }
  }
  for (const health of values.get('health') ?? []) {
    if (!HEALTH.includes(health)) throw invalidFilter(`unrecognized filter value for health: ${health}`);
  }
  for (const code of values.get('exited') ?? []) {
    if (!/^[+-]?\d+$/.test(code)) throw invalidFilter(`invalid filter 'exited=${code}': not a number`);
  }
  for (const key of ['publish', 'expose'] as const)
    for (const port of values.get(key) ?? []) parsePortRange(key, port);
  return { values, selectsStatus: values.has('status') };
}

/**
 * Whether a container passes. `all` is every container, for before= and since=; `findImageId` resolves an image's
 * name, for ancestor=. @throws MinidockError NO_SUCH_CONTAINER for a before= or since= of none.
 */
export function matchContainer(
  { values }: ContainerFilters,
  entry: ContainerEntry,
  all: readonly ContainerEntry[],
  findImageId: (reference: string) => string | undefined = () => undefined,
): boolean {
  if (values.size === 0) return true;
  const { config } = entry;
  const created = (name: string): string => findContainer(name, all).config.created;
  const ancestors = values.get('ancestor') ?? [];
  return (
    Object.entries(MATCHERS).every(([key, matches]) => {
      const wanted = values.get(key) ?? [];
      return wanted.length === 0 || wanted.some((value) => matches(entry, value));
    }) &&
    matchLabels(values.get('label') ?? [], config.spec.labels) &&
    (values.get('before') ?? []).every((name) => config.created < created(name)) &&
    (values.get('since') ?? []).every((name) => config.created > created(name)) &&
    (ancestors.length === 0 || ancestors.some((name) => hasAncestor(entry, findImageId(name) ?? name)))
  );
}

type Matcher = (entry: ContainerEntry, value: string) => boolean;

const MATCHERS: Readonly<Record<string, Matcher>> = {
  id: ({ config }, value) => matchPattern(value, config.id),
  // Docker's names begin with a slash; scripts use patterns for both spellings.
  name: ({ config }, value) => matchPattern(value, `/${config.name}`) || matchPattern(value, config.name),
  status: ({ state }, value) => state.status === value,
  health: ({ state }, value) => (state.health?.status ?? 'none') === value,
  exited: ({ state }, value) => state.status === 'exited' && state.exitCode === Number(value),
  volume: ({ config }, value) =>
    config.spec.mounts.some(
      (mount) => mount.volume === value || mount.source === value || mount.target === value,
    ),
  network: ({ config, state }, value) =>
    networkNames(config, state).includes(value) ||
    (value !== '' && endpointStates(state.network).some(({ network }) => network.id.startsWith(value))),
  publish: ({ config, state }, value) =>
    hasProgram(state) &&
    (state.network?.ports ?? config.spec.network.ports).some((port) =>
      isInRange(parsePortRange('publish', value), port.hostPort, port.protocol),
    ),
  expose: ({ config, state }, value) =>
    hasProgram(state) &&
    [
      ...config.spec.exposedPorts,
      ...config.spec.network.ports.map((port) => `${port.containerPort}/${port.protocol}`),
    ].some((port) => {
      const [number, protocol = 'tcp'] = port.split('/');
      return isInRange(parsePortRange('expose', value), Number(number), protocol);
    }),
};

function hasAncestor({ config }: ContainerEntry, image: string): boolean {
  const hex = image.replace(/^sha256:/, '');
  const isId = /^[0-9a-f]{4,64}$/.test(hex) && config.imageId.replace(/^sha256:/, '').startsWith(hex);
  return isId || config.imageRef === image;
}

function findContainer(name: string, all: readonly ContainerEntry[]): ContainerEntry {
  const plain = name.replace(/^\//, '');
  const byName = all.find(({ config }) => config.name === plain || config.id === plain);
  const byPrefix = all.filter(({ config }) => config.id.startsWith(plain));
  const found = byName ?? (byPrefix.length === 1 ? byPrefix[0] : undefined);
  if (found !== undefined) return found;
  throw new MinidockError({ code: 'NO_SUCH_CONTAINER', message: `No such container: ${name}` });
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

const isInRange = ({ first, last, protocol }: PortRange, port: number, of: string): boolean =>
  port >= first && port <= last && protocol === of;

/** '80', '80/udp', '8000-8080/tcp'. */
function parsePortRange(key: 'publish' | 'expose', text: string): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  if (match === null || first > last || last > 65_535) {
    throw invalidFilter(`error while looking up for ${key} ${text}: not a port or a range of ports`);
  }
  return { first, last, protocol: match[3] ?? 'tcp' };
}
