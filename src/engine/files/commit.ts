/**
 * `commit`: an image of what a container has changed. It stands still while its files are read, unless that is not
 * wanted, and goes on however the command ends. Volumes are not part of it.
 */
import { PassThrough, type Readable } from 'node:stream';
import { once } from 'node:events';
import { commitImage } from '../../../images/archives/commit.ts';
import { familiarName, parseReference } from '../../../images/reference.ts';
import type { ContainerDefaults, StoredImage } from '../../../images/types.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { planCommit, type CommitPlan } from '../plans/commit-plan.ts';
import { performStep } from '../state/perform-step.ts';
import { thisProcess } from '../state/process-identity.ts';
import { findImage } from '../images/find-image.ts';
import type { Engine } from '../engine.ts';
import { pauseContainer, unpauseContainer } from '../life/pause.ts';
import { findContainer } from '../reconcile.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { recordEvents } from '../state/events/event-log.ts';
import { containerEvent, imageEvent } from '../state/events/events.ts';
import type { Container } from '../state/store.ts';
import { hasLayer, writeLayer } from './layer.ts';

export interface CommitOptions {
  readonly author: string;
  readonly message: string;
  readonly changes: readonly string[];
  readonly pause: boolean;
  readonly reference: string | undefined;
}

/** @throws MinidockError 'NO_SUCH_CONTAINER', 'NO_SUCH_IMAGE'; ImageError for a wrong change or name. */
export async function commitContainer(
  engine: Engine,
  reference: string,
  options: CommitOptions,
  tell: (steps: readonly Step[]) => void = () => undefined,
): Promise<StoredImage> {
  const { container, base, pauses, plan } = await prepare(engine, reference, options);
  const { config } = container;
  const store = await engine.images();
  tell(plan.steps);
  const commit = (): Promise<StoredImage> =>
    commitImage({
      store,
      base,
      perform: (part, work) => {
        const step = plan.of.get(part);
        return step === undefined ? work() : performStep(step, work);
      },
      ...options,
      settings: settingsOf(config, base.config.config ?? {}),
      createdBy: config.spec.cmd.join(' '),
      pack: async () => ((await hasLayer(engine.paths, config.id)) ? packed(engine, config) : undefined),
    });
  const image = await (pauses ? standingStill(engine, container, commit) : commit());
  const { reference: given } = options;
  const imageRef = given === undefined ? '' : familiarName(parseReference(given));
  recordEvents(engine.paths, [
    ...(given === undefined ? [] : [imageEvent('tag', image.id, imageRef, image.config.config?.Labels)]),
    containerEvent(config, 'commit', { comment: options.message, imageID: image.id, imageRef }),
  ]);
  return image;
}

/** Nothing is touched. @throws MinidockError 'NO_SUCH_CONTAINER', 'NO_SUCH_IMAGE'. */
export async function planCommitOf(
  engine: Engine,
  reference: string,
  options: CommitOptions,
): Promise<readonly Step[]> {
  return (await prepare(engine, reference, options)).plan.steps;
}

async function prepare(
  engine: Engine,
  reference: string,
  { pause, reference: name }: CommitOptions,
): Promise<{
  readonly container: Container;
  readonly base: StoredImage;
  readonly pauses: boolean;
  readonly plan: CommitPlan;
}> {
  const container = await findContainer(engine.containers, reference);
  if (container.unreadable !== undefined) throw container.unreadable;
  const { config, state } = container;
  const base = await findImage(engine, config.imageId);
  const pauses = pause && state.status === 'running';
  const changed = await hasLayer(engine.paths, config.id);
  return {
    container,
    base,
    pauses,
    plan: planCommit(engine.paths, config, { pauses, changed, reference: name }),
  };
}

async function standingStill<T>(engine: Engine, container: Container, work: () => Promise<T>): Promise<T> {
  await pauseContainer(engine.paths, container, undefined, thisProcess());
  const goOn = (): Promise<void> => unpauseContainer(engine.paths, container);
  const interrupted = (): void => void goOn().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await work();
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await goOn();
  }
}

function packed({ paths }: Engine, { id }: ContainerConfig): Readable {
  const stream = new PassThrough({ highWaterMark: 1 << 20 });
  // Who reads it may not be there yet, and gets the error then; without anybody it would end this process, which
  // owes it to the container to let it go on.
  stream.on('error', () => undefined);
  writeLayer(paths, id, async (bytes) => {
    if (!stream.write(bytes)) await once(stream, 'drain');
  }).then(
    () => stream.end(),
    (error: unknown) => stream.destroy(error as Error),
  );
  return stream;
}

/** Docker's: what the container was made with, its image's settings included. */
function settingsOf({ spec }: ContainerConfig, base: ContainerDefaults): ContainerDefaults {
  const volumes = [
    ...Object.keys(base.Volumes ?? {}),
    ...spec.mounts.filter(({ anonymous }) => anonymous === true).map(({ target }) => target),
  ];
  const asObject = (keys: readonly string[]): Record<string, object> =>
    Object.fromEntries(keys.map((key) => [key, {}]));
  return {
    ...base,
    ...(spec.user === '' ? {} : { User: spec.user }),
    ...(spec.exposedPorts.length === 0 ? {} : { ExposedPorts: asObject(spec.exposedPorts) }),
    Env: spec.env,
    Cmd: spec.cmd.length === 0 ? null : spec.cmd,
    Entrypoint: spec.entrypoint.length === 0 ? null : spec.entrypoint,
    ...(volumes.length === 0 ? {} : { Volumes: asObject(volumes) }),
    WorkingDir: spec.workingDir,
    Labels: spec.labels,
    StopSignal: spec.stopSignal,
  };
}
