/**
 * The events of a container, an image, a network or a volume in Docker's words and order: the actor, and the attributes
 * that `events` prints and filters by. Pure; event-log.ts writes them.
 */
import type { ContainerConfig, ContainerState, NetworkState } from '../../spec/container.ts';
import type { Attributes, NewEvent } from './event-log.ts';

/** Its labels, its image, its name, and what the action adds. */
export const containerEvent = (
  config: ContainerConfig,
  action: string,
  extra: Attributes = {},
): NewEvent => ({
  type: 'container',
  action,
  id: config.id,
  attributes: {
    ...config.spec.labels,
    ...(config.imageRef === '' ? {} : { image: config.imageRef }),
    name: config.name,
    ...extra,
  },
});

/** None of a RUN's container. */
export const usersEvents = (
  { builder }: Pick<ContainerConfig, 'builder'>,
  ...events: readonly NewEvent[]
): readonly NewEvent[] => (builder === undefined ? events : []);

/** `image` is an id or, of a pull and a push, the name. */
export const imageEvent = (
  action: string,
  image: string,
  name: string = image,
  labels?: Attributes | null,
): NewEvent => ({ type: 'image', action, id: image, attributes: { ...(labels ?? {}), name } });

export const volumeEvent = (name: string, action: string, extra: Attributes = {}): NewEvent => ({
  type: 'volume',
  action,
  id: name,
  attributes: { driver: 'local', ...extra },
});

export const networkEvent = (
  network: { readonly id: string; readonly name: string },
  action: 'create' | 'connect' | 'disconnect' | 'destroy',
  container?: string,
): NewEvent => ({
  type: 'network',
  action,
  id: network.id,
  attributes: { ...(container === undefined ? {} : { container }), name: network.name, type: 'bridge' },
});

/** The one event of a prune, after the events of what it removed. */
export const pruneEvent = (type: NewEvent['type'], reclaimed: number): NewEvent => ({
  type,
  action: 'prune',
  id: '',
  attributes: { reclaimed: String(reclaimed) },
});

/** A client has set the size of its terminal. */
export const resizeEvent = (
  config: ContainerConfig,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): NewEvent => containerEvent(config, 'resize', { height: String(rows), width: String(columns) });

/** The program runs. */
export const startEvents = (config: ContainerConfig, network: NetworkState): readonly NewEvent[] =>
  usersEvents(
    config,
    ...networksOf(config, network, 'connect'),
    ...volumesOf(config).map(({ volume, target, readOnly, options }) =>
      volumeEvent(volume, 'mount', {
        container: config.id,
        destination: target,
        propagation: options.find((word) => /^r?(shared|slave|private)$/.test(word)) ?? '',
        'read/write': String(!readOnly),
      }),
    ),
    containerEvent(config, 'start'),
  );

/** The program has ended, or did not come to run: then `state` says no more than what it had been given. */
export const endEvents = (
  config: ContainerConfig,
  network: NetworkState | undefined,
  end: Pick<ContainerState, 'exitCode' | 'oomKilled' | 'startedAt'> | undefined,
): readonly NewEvent[] =>
  usersEvents(
    config,
    ...networksOf(config, network, 'disconnect'),
    ...(end === undefined ? [] : volumesOf(config)).map(({ volume }) =>
      volumeEvent(volume, 'unmount', { container: config.id }),
    ),
    ...(end?.oomKilled === true ? [containerEvent(config, 'oom')] : []),
    ...(end === undefined
      ? []
      : [
          containerEvent(config, 'die', {
            exitCode: String(end.exitCode),
            execDuration: secondsSince(end.startedAt),
          }),
        ]),
  );

const networksOf = (
  { id }: ContainerConfig,
  state: NetworkState | undefined,
  action: 'connect' | 'disconnect',
): readonly NewEvent[] =>
  [state?.network, ...(state?.more ?? []).map(({ network }) => network)].flatMap((network) =>
    network === undefined ? [] : [networkEvent(network, action, id)],
  );

const volumesOf = ({
  spec,
}: ContainerConfig): readonly (ContainerConfig['spec']['mounts'][number] & { readonly volume: string })[] =>
  spec.mounts.flatMap((mount) => {
    const { volume } = mount;
    return volume === undefined ? [] : [{ ...mount, volume }];
  });

const secondsSince = (time: string): string =>
  String(Math.max(0, Math.trunc((Date.now() - Date.parse(time)) / 1000)));
