/**
 * `push` from the engine's side: which tags of the repository are pushed, with what is said of it in Docker's words.
 * Without the tag named, or with a repository that has none here, nothing is asked of the registry.
 */
import { formatPlatform, fitsPlatform, parsePlatform } from '../../../images/platform.ts';
import {
  pushImage,
  type PushEvent,
  type PushOptions,
  type PushPart,
  type PushResult,
} from '../../../images/push.ts';
import {
  familiarName,
  familiarRepository,
  formatReference,
  parseReference,
  repositoryName,
  type Reference,
} from '../../../images/reference.ts';
import {
  registryOptionsFromEnvironment,
  type RegistryClientOptions,
} from '../../../images/registry/client.ts';
import { PushClient } from '../../../images/registry/push-client.ts';
import type { StoredImage } from '../../../images/types.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import type { StandardStream } from '../../io/standard-streams.ts';
import type { Engine } from '../engine.ts';
import { untilInterrupt } from '../images/until-interrupt.ts';
import { CONFIG_PUSH, MANIFEST_PUSH, NOTE_STEP, pushStepId } from '../plans/push-plan.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { imageEvent } from '../state/events/events.ts';
import { refuseInjected } from '../state/perform-step.ts';

export type PushOutput = Pick<StandardStream, 'write' | 'writeRaw' | 'isTTY' | 'columns' | 'rows'>;

export interface PushByNameOptions {
  readonly quiet: boolean;
  /** Every tag that the repository has here. */
  readonly all?: boolean;
  readonly platform?: string | undefined;
  readonly output: PushOutput;
  /** Shows the progress of layers on `output`; with `watch` or `quiet` it is not asked. */
  readonly progress?: ((output: PushOutput) => PushListener) | undefined;
  /** The reporter of its steps; replaces the progress. One for each tag. */
  readonly watch?: ((reference: Reference) => PushWatch) | undefined;
}

export interface PushListener {
  readonly event: (event: PushEvent) => void;
  /** The last picture, in full. Calling it again does nothing. */
  readonly finish: () => void;
}

export type PushWatch = Pick<PushOptions, 'onPlanned' | 'onEvent' | 'onSent' | 'dryRun'> &
  Pick<RegistryClientOptions, 'onAnswer'>;

export async function pushByName(engine: Engine, name: string, options: PushByNameOptions): Promise<void> {
  const { output, quiet, all = false } = options;
  const reference = parseReference(name);
  if (reference.digest !== undefined) throw refused('cannot push a digest reference');
  const hasTag = /:[^/]*$/.test(name);
  if (all && hasTag) throw refused("tag can't be used with --all-tags/-a");
  const say = (text: string): void => {
    if (!quiet) output.write(`${text}\n`);
  };
  if (!all && !hasTag) say(`Using default tag: ${reference.tag ?? 'latest'}`);
  say(`The push refers to repository [${repositoryName(reference)}]`);
  const found = await tagsToPush(engine, reference, all);
  for (const { image } of found) checkPlatform(image, name, options.platform);
  let sent = false;
  await untilInterrupt(interrupted, async (signal) => {
    for (const one of found) {
      const pushed = await pushOne(engine, one, options, signal);
      // A dry run has printed its steps.
      if (pushed === undefined) continue;
      sent = true;
      const pushedName = familiarName(one.reference);
      const { Labels: labels } = one.image.config.config ?? {};
      recordEvent(engine.paths, imageEvent('push', pushedName, familiarRepository(one.reference), labels));
      const { digest, size } = pushed;
      say(`${one.reference.tag ?? ''}: digest: ${digest} size: ${size}`);
    }
  });
  if (quiet && sent) output.write(`${all ? repositoryName(reference) : formatReference(reference)}\n`);
}

interface Tagged {
  readonly image: StoredImage;
  readonly reference: Reference;
}

async function pushOne(
  engine: Engine,
  { image, reference }: Tagged,
  options: PushByNameOptions,
  signal: AbortSignal,
): Promise<PushResult | undefined> {
  const watch = options.watch?.(reference);
  const progress = options.quiet || watch !== undefined ? undefined : options.progress?.(options.output);
  try {
    return await pushImage({
      image,
      reference,
      store: await engine.images(),
      client: new PushClient(reference, { ...registryOptionsFromEnvironment(), onAnswer: watch?.onAnswer }),
      onEvent: (event) => {
        progress?.event(event);
        watch?.onEvent?.(event);
      },
      onPlanned: watch?.onPlanned,
      onSent: watch?.onSent,
      dryRun: watch?.dryRun,
      before: failIfInjected,
      signal,
    });
  } finally {
    progress?.finish();
  }
}

/** Where a test wants a step to fail, as it is called by --explain. */
function failIfInjected(part: PushPart, layer: string): void {
  const ids = { config: CONFIG_PUSH, manifest: MANIFEST_PUSH, note: NOTE_STEP };
  const id = part === 'compress' || part === 'push' ? pushStepId(part, layer) : ids[part];
  refuseInjected({ id, title: `push: ${part}` });
}

/** In the order of their names. */
async function tagsToPush(engine: Engine, reference: Reference, all: boolean): Promise<readonly Tagged[]> {
  const images = await (await engine.images()).list();
  const repository = images
    .flatMap((image) => image.tags.map((tag) => ({ image, reference: parseReference(tag) })))
    .filter((one) => repositoryName(one.reference) === repositoryName(reference))
    .sort((a, b) => ((a.reference.tag ?? '') < (b.reference.tag ?? '') ? -1 : 1));
  if (repository.length === 0) {
    throw new MinidockError({
      code: 'NO_SUCH_IMAGE',
      message: `An image does not exist locally with the tag: ${familiarRepository(reference)}`,
      hint: 'minidock images lists what is here; minidock tag gives an image a further name.',
    });
  }
  if (all) return repository;
  const one = repository.find((tagged) => tagged.reference.tag === reference.tag);
  if (one !== undefined) return [one];
  throw new MinidockError({
    code: 'NO_SUCH_TAG',
    message: `tag does not exist: ${familiarName(reference)}`,
    hint: `minidock images ${familiarRepository(reference)} lists the tags there are.`,
  });
}

/** An image here is of one platform. */
function checkPlatform(image: StoredImage, name: string, wanted: string | undefined): void {
  if (wanted === undefined || fitsPlatform(image.config, parsePlatform(wanted))) return;
  throw refused(
    `image with reference ${name} was found but its platform (${formatPlatform(image.config)}) does not match the specified platform (${wanted})`,
  );
}

const refused = (message: string): MinidockError =>
  new MinidockError({ code: 'PUSH_REFUSED', message, exitCode: 1 });

function interrupted(): MinidockError {
  return new MinidockError({
    code: 'INTERRUPTED',
    message: 'the push was interrupted',
    hint: 'layers that the registry has are not sent again by the next push',
    exitCode: 130,
  });
}
