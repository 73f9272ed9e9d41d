/** `pull` from the engine's side: registry client from the environment, progress on the stream that was asked for. */
import { ImageError } from '../../../images/errors.ts';
import { parsePlatform } from '../../../images/platform.ts';
import {
  pullImage,
  resolvePull,
  type PullEvent,
  type PullOptions,
  type PullResult,
  type PullStore,
  type ResolvedPull,
} from '../../../images/pull.ts';
import { familiarName, familiarRepository, parseReference } from '../../../images/reference.ts';
import { RegistryClient, registryOptionsFromEnvironment } from '../../../images/registry/client.ts';
import type { Answered } from '../../../images/registry/session.ts';
import type { HostStep } from '../../../runtime/plan/step.ts';
import { isTraced } from '../../../runtime/trace.ts';
import { untilInterrupt } from './until-interrupt.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { imageEvent } from '../state/events/events.ts';
import type { Engine } from '../engine.ts';
import type { StandardStream } from '../../io/standard-streams.ts';

export interface PullByNameOptions {
  readonly quiet: boolean;
  readonly platform?: string;
  readonly output: StandardStream;
  /** One of several tags: the caller prints the status, once. */
  readonly oneOfMany?: boolean;
  /** Shows the progress of layers on `output`; with `onSteps` or `quiet` it is not asked. */
  readonly progress?: ((output: StandardStream) => PullListener) | undefined;
  /** Called with the steps before they are reported to the trace; replaces the progress. */
  readonly onSteps?: ((steps: readonly HostStep[]) => void) | undefined;
}

export interface PullListener {
  readonly event: (event: PullEvent) => void;
  /** The last picture, in full. Calling it again does nothing. */
  readonly finish: () => void;
}

export async function pullByName(
  engine: Engine,
  name: string,
  options: PullByNameOptions,
): Promise<PullResult> {
  const reference = parseReference(name);
  const { output, quiet } = options;
  const say = (text: string): void => {
    if (!quiet) output.write(`${text}\n`);
  };
  if (!name.includes('@') && !/:[^/]*$/.test(name)) say('Using default tag: latest');
  const what = reference.digest ?? reference.tag ?? 'latest';
  say(`${what}: Pulling from ${reference.path}`);
  const { onSteps } = options;
  const progress = quiet || onSteps !== undefined ? undefined : options.progress?.(output);
  const trace = isTraced() ? (await import('./pull-trace.ts')).tracePull(engine.paths, onSteps) : undefined;
  try {
    const store = await engine.images();
    const result = await untilInterrupt(interrupted, (signal) =>
      pullImage({
        ...request(name, options, store, trace?.onAnswer),
        ...{ onEvent: progress?.event, onPlanned: trace?.onPlanned, perform: trace?.perform, signal },
      }),
    );
    progress?.finish();
    const { image } = result;
    const event = imageEvent(
      'pull',
      familiarName(reference),
      familiarRepository(reference),
      image.config.config?.Labels,
    );
    recordEvent(engine.paths, event);
    if (result.warning !== undefined) output.write(`WARNING: ${result.warning}\n`);
    say(`Digest: ${result.digest}`);
    if (options.oneOfMany !== true)
      say(
        result.status === 'downloaded'
          ? `Status: Downloaded newer image for ${familiarName(reference)}`
          : `Status: Image is up to date for ${familiarName(reference)}`,
      );
    return result;
  } finally {
    progress?.finish();
  }
}

/** What a pull would do. `store` keeps what the registry answers. */
export const resolveByName = (
  name: string,
  options: PullByNameOptions,
  store: PullStore,
  onAnswer: (answered: Answered) => void,
): Promise<ResolvedPull> =>
  untilInterrupt(interrupted, (signal) =>
    resolvePull({ ...request(name, options, store, onAnswer), signal }),
  );

const request = (
  name: string,
  { platform }: PullByNameOptions,
  store: PullStore,
  onAnswer: ((answered: Answered) => void) | undefined,
): PullOptions => ({
  reference: parseReference(name),
  platform: platform === undefined ? undefined : parsePlatform(platform),
  store,
  client: new RegistryClient({ ...registryOptionsFromEnvironment(), onAnswer }),
});

function interrupted(): ImageError {
  return new ImageError({
    code: 'INTERRUPTED',
    message: 'the pull was interrupted',
    hint: 'what has been downloaded is kept, and the next pull goes on from there',
    exitCode: 130,
  });
}
