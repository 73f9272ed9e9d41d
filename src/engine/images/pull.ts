/** `pull` from the engine's side: registry client from the environment, progress on the stream that was asked for. */
import { ImageError } from '../../../images/errors.ts';
import { parsePlatform } from '../../../images/platform.ts';
import { pullImage, type PullEvent, type PullOptions, type PullResult } from '../../../images/pull.ts';
import { familiarName, familiarRepository, parseReference } from '../../../images/reference.ts';
import {
  RegistryClient,
  registryOptionsFromEnvironment,
  type RegistryClientOptions,
} from '../../../images/registry/client.ts';
import { tracePull } from './pull-trace.ts';
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
  /** Shows the progress of layers on `output`; with `watch` or `quiet` it is not asked. */
  readonly progress?: ((output: StandardStream) => PullListener) | undefined;
  /** The reporter of its steps; replaces the progress. */
  readonly watch?: PullWatch | undefined;
}

export interface PullListener {
  readonly event: (event: PullEvent) => void;
  /** The last picture, in full. Calling it again does nothing. */
  readonly finish: () => void;
}

export type PullWatch = Pick<PullOptions, 'onResolved' | 'onEvent'> &
  Pick<RegistryClientOptions, 'onAnswer'> & {
    readonly store?: PullOptions['store'];
    /** The image is there, and nothing is said of it yet. */
    readonly onStored?: () => void;
  };

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
  const { watch } = options;
  const progress = quiet || watch !== undefined ? undefined : options.progress?.(output);
  const tracer = tracePull();
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(interrupted());
  process.once('SIGINT', onSignal);
  try {
    const result = await pullImage({
      reference,
      platform: options.platform === undefined ? undefined : parsePlatform(options.platform),
      store: watch?.store ?? (await engine.images()),
      client: new RegistryClient({ ...registryOptionsFromEnvironment(), onAnswer: watch?.onAnswer }),
      onEvent: (event) => {
        progress?.event(event);
        tracer?.(event);
        watch?.onEvent?.(event);
      },
      onResolved: watch?.onResolved,
      signal: interrupt.signal,
    });
    progress?.finish();
    watch?.onStored?.();
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
    process.off('SIGINT', onSignal);
  }
}

function interrupted(): ImageError {
  return new ImageError({
    code: 'INTERRUPTED',
    message: 'the pull was interrupted',
    hint: 'what has been downloaded is kept, and the next pull goes on from there',
    exitCode: 130,
  });
}
