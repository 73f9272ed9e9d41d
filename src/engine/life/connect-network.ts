/**
 * `network connect` and `disconnect`. Of a container that runs its shim is asked, which does it at once
 * (shim/network-change.ts); of one that does not only the list of its networks changes, and the next start goes by it.
 */
import { delay } from '../../../runtime/io/delay.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import type { StepTime } from '../../../runtime/plan/step-span.ts';
import { hasProgram, isBridged, type EndpointSpec } from '../spec/container.ts';
import { DEFAULT_NETWORK, endpointSpecs, endpointStates } from '../spec/endpoints.ts';
import { POLL } from '../recovery.ts';
import { findContainer } from '../reconcile.ts';
import { changeConfig } from '../state/change-config.ts';
import { tryLock } from '../state/lock.ts';
import { findNetwork, noSuchNetwork } from '../state/networks.ts';
import { containerLock } from '../state/paths.ts';
import type { Container, ContainerStore } from '../state/store.ts';
import { connectShim } from '../shim/client/shim-client.ts';
import type { NetworkRequest } from '../shim/client/shim-protocol.ts';
import { fromWire, shimLost } from '../start.ts';
import { notConnected } from '../network/live/connect-errors.ts';
import { withEndpoint, withoutEndpoint } from '../network/live/networks-asked.ts';

export interface Told {
  readonly plan: (steps: readonly Step[]) => void;
  readonly done: (step: StepTime) => void;
}

/** Milliseconds for a shim to say that it has heard, and for a start or an end that is under way. */
const PATIENCE = 10_000;

/** @throws MinidockError in Docker's words. */
export async function connectNetwork(
  store: ContainerStore,
  container: Container,
  spec: EndpointSpec,
  told?: Told,
): Promise<void> {
  await change(
    store,
    container,
    (now) => {
      refuseConnect(now, spec);
      return { type: 'connect', spec };
    },
    (now) => {
      refuseConnect(now, spec);
      changeConfig(store, now.config.id, (config) => withEndpoint(config, spec));
    },
    told,
  );
}

/** `reference`: of the network. @throws MinidockError in Docker's words. */
export async function disconnectNetwork(
  store: ContainerStore,
  container: Container,
  reference: string,
  told?: Told,
): Promise<void> {
  await change(
    store,
    container,
    (now) => ({ type: 'disconnect', network: connectedNetwork(store, now, reference) }),
    (now) => {
      const network = connectedNetwork(store, now, reference);
      changeConfig(store, now.config.id, (config) => withoutEndpoint(config, network));
    },
    told,
  );
}

type Asked =
  | { readonly type: 'connect'; readonly spec: EndpointSpec }
  | { readonly type: 'disconnect'; readonly network: string };

/** `live` is asked of the shim; `stopped` is done while nobody can start the container. */
async function change(
  store: ContainerStore,
  container: Container,
  live: (now: Container) => Asked,
  stopped: (now: Container) => void,
  told: Told | undefined,
): Promise<void> {
  const { id } = container.config;
  for (const end = Date.now() + PATIENCE; ; await delay(POLL)) {
    const now = await findContainer(store, id);
    if (hasProgram(now.state)) {
      await askShim(store, id, live(now), told);
      return;
    }
    const lock = tryLock(containerLock(store.paths, id));
    if (lock !== undefined) {
      try {
        stopped(now);
        return;
      } finally {
        lock.release();
      }
    }
    // It is being started, or is on its way out.
    if (Date.now() > end) throw busy(container);
  }
}

const busy = ({ config }: Container): MinidockError =>
  new MinidockError({
    code: 'BUSY',
    message: `container ${config.name} is being started or removed by another command`,
    hint: 'Try again in a moment.',
  });

function askShim(store: ContainerStore, id: string, asked: Asked, told: Told | undefined): Promise<void> {
  const failAt = process.env['MINIDOCK_FAIL_AT'];
  const request: NetworkRequest = {
    ...asked,
    explain: told !== undefined,
    ...(failAt === undefined ? {} : { failAt }),
  };
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (how: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      connection.close();
      how();
    };
    // One that an older minidock has started does not know the question.
    const timer = setTimeout(() => settle(() => reject(deaf(id))), PATIENCE);
    const connection = connectShim(store.paths, id, {
      output: () => undefined,
      message: (message) => {
        switch (message.type) {
          case 'heard':
            clearTimeout(timer);
            break;
          case 'plan':
            told?.plan(message.steps);
            break;
          case 'step':
            told?.done(message);
            break;
          case 'changed': {
            const { error } = message;
            settle(() => (error === undefined ? resolve() : reject(fromWire(error))));
            break;
          }
          case 'exited':
          case 'failed':
            settle(() => reject(ended(id)));
            break;
          default:
        }
      },
      closed: () => settle(() => reject(shimLost(store.paths, id))),
    });
    connection.send(request);
  });
}

const ended = (id: string): MinidockError =>
  new MinidockError({ code: 'NOT_RUNNING', message: `container ${id} has ended meanwhile` });

const deaf = (id: string): MinidockError =>
  new MinidockError({
    code: 'SHIM_SILENT',
    message: `the shim of container ${id.slice(0, 12)} does not answer`,
    hint: 'An older minidock may have started it, or it was stopped (SIGSTOP). Restart the container.',
  });

/** What no container of this kind can be connected to. */
export function refuseConnect({ config }: Container, { network, aliases = [] }: EndpointSpec): void {
  const { mode } = config.spec.network;
  const refused = (message: string): MinidockError => new MinidockError({ code: 'NOT_CONNECTABLE', message });
  if (mode === 'host' || mode.startsWith('container:'))
    throw refused(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  if (network === 'host')
    throw refused('container cannot be disconnected from host network or connected to host network');
  if (mode === 'none' || network === 'none')
    throw refused(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
  if (network === DEFAULT_NETWORK && aliases.length > 0)
    throw refused('network-scoped alias is supported only for containers in user defined networks');
}

/** The name of the network that is meant. A network that is gone is known by the name it had. */
export function connectedNetwork(
  store: ContainerStore,
  { config, state }: Container,
  reference: string,
): string {
  const { mode } = config.spec.network;
  if (mode === 'host' && reference === 'host') {
    throw new MinidockError({
      code: 'NOT_CONNECTABLE',
      message: 'container cannot be disconnected from host network or connected to host network',
    });
  }
  const running = hasProgram(state);
  const name =
    findNetwork(store.paths, reference)?.name ?? (reference === 'default' ? DEFAULT_NETWORK : reference);
  const names = running
    ? endpointStates(state.network).map(({ network }) => network.name)
    : endpointSpecs(config.spec.network).map(({ network }) => network);
  if (isBridged(mode) && names.includes(name)) return name;
  const known =
    findNetwork(store.paths, reference) !== undefined || ['host', 'none', 'bridge'].includes(name);
  if (running && !known) throw noSuchNetwork(reference);
  throw notConnected(config, reference, running ? 'running' : 'stopped');
}
