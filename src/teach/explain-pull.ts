/** `pull` told as it happens, or as it would: then the registry is asked, and nothing is kept of what it says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PullEvent, PullPhase, PullStore } from '../../images/pull.ts';
import { familiarName, parseReference } from '../../images/reference.ts';
import type { Answered } from '../../images/registry/session.ts';
import { BlobStore } from '../../images/store/blob-store.ts';
import type { ImageConfig, Manifest } from '../../images/types.ts';
import type { HostStep } from '../../runtime/plan/step.ts';
import type { Engine } from '../engine/engine.ts';
import {
  LAYER_STEPS,
  layerStepId,
  NAME_STEP,
  planLayers,
  planName,
  planRequests,
  type RequestStep,
} from '../engine/pull-plan.ts';
import { pullByName, type PullByNameOptions } from '../engine/pull.ts';
import type { ExplainHow } from './explain-flags.ts';
import { printSteps } from './teller.ts';
import { createTelling, type Telling } from './telling.ts';

export async function explainPull(
  engine: Engine,
  name: string,
  options: PullByNameOptions,
  how: ExplainHow,
): Promise<void> {
  const telling = await createTelling(how);
  const answers: Answered[] = [];
  const layers = new Layers(telling);
  const watch = {
    onAnswer: (answered: Answered) => void answers.push(answered),
    onResolved: (manifest: Manifest, config: ImageConfig) => {
      const { requests, steps } = planPull(engine, name, answers, manifest, config);
      telling.plan(steps);
      for (const { step, ms } of requests) telling.done({ id: step.id, ms, outcome: 'done' });
    },
    onEvent: (event: PullEvent) => layers.receive(event),
  };
  await pullByName(engine, name, { ...options, watch });
  telling.done({ id: NAME_STEP, ms: layers.sinceLast(), outcome: 'done' });
}

export async function printPull(
  engine: Engine,
  name: string,
  options: PullByNameOptions,
  how: ExplainHow,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'minidock-dry-run-'));
  const answers: Answered[] = [];
  let steps: readonly HostStep[] = [];
  const watch = {
    store: readingStore(dir),
    onAnswer: (answered: Answered) => void answers.push(answered),
    onResolved: (manifest: Manifest, config: ImageConfig) => {
      ({ steps } = planPull(engine, name, answers, manifest, config));
      throw new Enough();
    },
  };
  try {
    await pullByName(engine, name, { ...options, quiet: true, watch });
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  await printSteps(steps, how);
}

/** Thrown to end a pull when it is known what it would fetch. */
class Enough extends Error {}

function planPull(
  { paths }: Engine,
  name: string,
  answers: readonly Answered[],
  manifest: Manifest,
  config: ImageConfig,
): { readonly requests: readonly RequestStep[]; readonly steps: readonly HostStep[] } {
  const requests = planRequests(paths, answers);
  const sample =
    answers.find(({ url }) => /\/v2\/.*\/blobs\/sha256:/.test(decodeURIComponent(url))) ??
    answers.find(({ url }) => /\/v2\/.*\/manifests\//.test(url));
  const blobs = sample && { ...sample, url: sample.url.replace(/\/manifests\/[^/]*$/, '/blobs/x') };
  const steps = [
    ...requests.map(({ step }) => step),
    ...planLayers(paths, manifest, config, blobs),
    planName(paths, familiarName(parseReference(name))),
  ];
  return { requests, steps };
}

/** What a pull asks of a store before it fetches layers; it has nothing, and keeps blobs in a directory for the moment. */
function readingStore(dir: string): PullStore {
  const never = (): never => {
    throw new Error('a dry run fetches no layer');
  };
  return {
    blobs: new BlobStore(dir),
    find: () => Promise.resolve(undefined),
    hasLayer: never,
    ensureLayer: never,
    putImage: never,
  };
}

/** Turns the phases of layers into steps that are done. */
class Layers {
  private readonly began = new Map<string, { readonly phase: PullPhase; readonly at: number }>();
  private last = performance.now();

  constructor(private readonly telling: Telling) {}

  receive({ layer, phase }: PullEvent): void {
    const before = this.began.get(layer);
    if (before?.phase === phase) return;
    const at = performance.now();
    this.began.set(layer, { phase, at });
    this.last = at;
    const ms = at - (before?.at ?? at);
    const digest = `sha256:${layer.padEnd(64, '0')}`;
    const tell = (what: (typeof LAYER_STEPS)[number], outcome: 'done' | 'already'): void =>
      this.telling.done({ id: layerStepId(what, digest), ms, outcome });
    if (phase === 'exists') for (const what of LAYER_STEPS) tell(what, 'already');
    if (phase === 'verifying') tell('download', 'done');
    if (phase === 'extracting') tell('verify', 'done');
    if (phase === 'complete') tell('unpack', 'done');
  }

  /** Milliseconds since a layer was heard of. */
  sinceLast(): number {
    return performance.now() - this.last;
  }
}
