/** `--explain` and `--dry-run` of `pull`. A dry run asks the registry and keeps nothing of its answers. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PullEvent, PullPhase, PullResult, PullStore } from '../../../images/pull.ts';
import { familiarName, parseReference } from '../../../images/reference.ts';
import type { Answered } from '../../../images/registry/session.ts';
import { BlobStore } from '../../../images/store/blob-store.ts';
import type { ImageStore } from '../../../images/store/image-store.ts';
import { withoutRepeats } from '../../../images/store/layer-stack.ts';
import { layerName } from '../../../images/store/layer-store.ts';
import type { ImageConfig, Manifest, StoredImage } from '../../../images/types.ts';
import type { HostStep, StepId } from '../../../runtime/plan/step.ts';
import { acquireLock } from '../../engine/images/image-lock.ts';
import type { Engine } from '../../engine/engine.ts';
import {
  CONFIG_STEP,
  LAYER_STEPS,
  layerStepId,
  NAME_STEP,
  planConfig,
  planLayers,
  planName,
  planRequests,
  type RequestStep,
} from '../../engine/plans/pull-plan.ts';
import { imagesDir, type Paths } from '../../engine/state/paths.ts';
import { pullByName, type PullByNameOptions } from '../../engine/images/pull.ts';
import type { ExplainHow } from './how.ts';
import { printSteps } from './step-printer.ts';
import { createLocalReporter, type LocalReporter } from './local-reporter.ts';

export async function explainPull(
  engine: Engine,
  name: string,
  options: PullByNameOptions,
  how: ExplainHow,
): Promise<PullResult> {
  const reporter = await createLocalReporter(how);
  const answers: Answered[] = [];
  const layers = new Layers(reporter);
  const watch = {
    onAnswer: (answered: Answered) => void answers.push(answered),
    onResolved: (manifest: Manifest, config: ImageConfig) => {
      const { requests, steps, there } = planPull(engine, name, answers, manifest, config);
      reporter.plan(steps);
      for (const { step, ms } of requests) reporter.done({ id: step.id, ms, outcome: 'done' });
      for (const id of there) reporter.done({ id, ms: 0, outcome: 'already' });
    },
    onStored: () => reporter.done({ id: NAME_STEP, ms: layers.sinceLast(), outcome: 'done' }),
    onEvent: (event: PullEvent) => layers.receive(event),
  };
  try {
    return await pullByName(engine, name, { ...options, watch });
  } finally {
    reporter.end();
  }
}

/** Returns the image as far as it is known before its layers are unpacked. */
export async function printPull(
  engine: Engine,
  name: string,
  options: PullByNameOptions,
  how: ExplainHow,
): Promise<StoredImage> {
  const dir = mkdtempSync(join(tmpdir(), 'minidock-dry-run-'));
  // Opening the store would create its directory.
  const store = existsSync(imagesDir(engine.paths)) ? await engine.images() : undefined;
  const answers: Answered[] = [];
  const watch = {
    store: readingStore(dir, store),
    onAnswer: (answered: Answered) => void answers.push(answered),
    onResolved: (manifest: Manifest, config: ImageConfig): never => {
      throw new Resolved(manifest, config);
    },
  };
  try {
    await pullByName(engine, name, { ...options, quiet: true, watch });
    throw new Error("the pull ended before the image's manifest was known");
  } catch (error) {
    if (!(error instanceof Resolved)) throw error;
    const { manifest, config } = error;
    const { steps, there } = planPull(engine, name, answers, manifest, config);
    await printSteps(steps, how, new Set([...there, ...stepsOfLayersIn(store, manifest, config)]));
    return preview(engine.paths, manifest, config);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Ends a dry run's pull once it is known what it would fetch. */
class Resolved extends Error {
  constructor(
    readonly manifest: Manifest,
    readonly config: ImageConfig,
  ) {
    super();
  }
}

function stepsOfLayersIn(
  store: ImageStore | undefined,
  { layers }: Manifest,
  { rootfs }: ImageConfig,
): ReadonlySet<StepId> {
  const there = layers.filter((_, index) => store?.isUnpacked(rootfs.diff_ids[index] ?? '') === true);
  return new Set(there.flatMap(({ digest }) => LAYER_STEPS.map((what) => layerStepId(what, digest))));
}

/** Unpacking would also tell the size and what the layers need from each other. */
function preview(paths: Paths, { config: { digest } }: Manifest, config: ImageConfig): StoredImage {
  return {
    id: digest,
    config,
    manifestDigest: '',
    tags: [],
    repoDigests: [],
    layerDirs: withoutRepeats(config.rootfs.diff_ids).map((diffId) =>
      join(imagesDir(paths), layerName(diffId), 'fs'),
    ),
    size: 0,
    lastTagged: '',
  };
}

function planPull(
  { paths }: Engine,
  name: string,
  answers: readonly Answered[],
  manifest: Manifest,
  config: ImageConfig,
): {
  readonly requests: readonly RequestStep[];
  readonly steps: readonly HostStep[];
  /** Steps with nothing to do, since their result is here already. */
  readonly there: readonly StepId[];
} {
  const requests = planRequests(paths, answers);
  const sample =
    answers.find(({ url }) => /\/v2\/.*\/blobs\/sha256:/.test(decodeURIComponent(url))) ??
    answers.find(({ url }) => /\/v2\/.*\/manifests\//.test(url));
  const blobs = sample && { ...sample, url: sample.url.replace(/\/manifests\/[^/]*$/, '/blobs/x') };
  const known = requests.some(({ step }) => step.id === CONFIG_STEP)
    ? []
    : [planConfig(paths, manifest.config, blobs)];
  const steps = [
    ...requests.map(({ step }) => step),
    ...known,
    ...planLayers(paths, manifest, config, blobs),
    planName(paths, familiarName(parseReference(name))),
  ];
  return { requests, steps, there: known.map(({ id }) => id) };
}

/** The part of a store that a pull uses before it fetches layers: the real store, with new blobs kept aside. */
function readingStore(dir: string, store: ImageStore | undefined): PullStore {
  const never = (): never => {
    throw new Error('a dry run fetches no layer');
  };
  return {
    blobs: new BlobsAside(dir, store?.blobs),
    find: (name) => store?.find(name) ?? Promise.resolve(undefined),
    hasLayer: never,
    ensureLayer: never,
    putImage: never,
  };
}

/** Reads the store and adds nothing. */
class BlobsAside extends BlobStore {
  constructor(
    dir: string,
    private readonly there: BlobStore | undefined,
  ) {
    super(dir, acquireLock);
  }

  override async has(digest: string, size?: number): Promise<boolean> {
    return (await this.there?.has(digest, size)) === true || (await super.has(digest, size));
  }

  override readBytes(digest: string, most?: number): Buffer {
    try {
      return super.readBytes(digest, most);
    } catch (error) {
      if (this.there === undefined || (error as { code?: unknown }).code !== 'BLOB_MISSING') throw error;
      return this.there.readBytes(digest, most);
    }
  }
}

/** Turns the phases of layers into steps that are done. */
class Layers {
  private readonly began = new Map<string, { readonly phase: PullPhase; readonly at: number }>();
  private last = performance.now();

  constructor(private readonly reporter: LocalReporter) {}

  receive({ layer, phase }: PullEvent): void {
    const before = this.began.get(layer);
    if (before?.phase === phase) return;
    const at = performance.now();
    this.began.set(layer, { phase, at });
    this.last = at;
    const ms = at - (before?.at ?? at);
    const digest = `sha256:${layer.padEnd(64, '0')}`;
    const tell = (what: (typeof LAYER_STEPS)[number], outcome: 'done' | 'already'): void =>
      this.reporter.done({ id: layerStepId(what, digest), ms, outcome });
    if (phase === 'exists') for (const what of LAYER_STEPS) tell(what, 'already');
    if (phase === 'verifying') tell('download', 'done');
    if (phase === 'extracting') tell('verify', 'done');
    if (phase === 'complete') tell('unpack', 'done');
  }

  /** Milliseconds since the first event of a layer. */
  sinceLast(): number {
    return performance.now() - this.last;
  }
}
