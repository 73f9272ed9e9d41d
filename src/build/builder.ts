/**
 * Carries a plan out: each stage from its base on, one instruction after the other; stages that do not need each other
 * side by side. A layer is made only if the cache has none for the digest of all that goes into it.
 */
import { closeSync } from 'node:fs';
import type { ImageStore } from '../../images/store/image-store.ts';
import type { StoredImage } from '../../images/types.ts';
import type { Engine } from '../engine/engine.ts';
import type { CacheRecord } from '../engine/state/build-cache.ts';
import type { CreateRequest } from '../engine/spec/create-request.ts';
import { SCRATCH, stageFrom, stageOf, type Begun } from './bases.ts';
import type { ImportedCache } from './cache/import-cache.ts';
import { ContextStages } from './context-stages.ts';
import { CopyStep, type CopySource } from './copy-step.ts';
import { inInstruction, NotMadeYet } from './errors.ts';
import { effectOf } from './explain-plan.ts';
import { Directories, findOwner } from './execute/destination.ts';
import { LayerCache, type Cached, type Outcome } from './layer-cache.ts';
import { openStage } from './execute/layer.ts';
import { applyMetadata, type Scope } from './metadata.ts';
import type { CopyInstruction, Instruction } from './parse/instruction.ts';
import { expandWord } from './parse/shell-words.ts';
import { workdir } from './plan/config-change.ts';
import { findStage, inLine, type BuildPlan, type PlannedStage } from './plan/graph.ts';
import type { Reporter, Vertex } from './progress/report.ts';
import type { MountSources } from './mount-options.ts';
import { RunStep } from './run-step.ts';
import type { NamedContexts } from './context/named-contexts.ts';
import type { SourceTree } from './context/source-tree.ts';
import type { Stage } from './stage.ts';

export interface BuilderOptions {
  readonly engine: Engine;
  readonly store: ImageStore;
  readonly plan: BuildPlan;
  readonly report: Reporter;
  readonly scope: Scope;
  /** Opened when the first instruction copies from it. */
  readonly context: () => Promise<SourceTree>;
  readonly image: (name: string, platform: string | undefined) => Promise<StoredImage>;
  readonly useCache: boolean;
  /** Nothing is made: `outcomes` has what would be. */
  readonly dryRun: boolean;
  readonly explains: boolean;
  /** Stages whose instructions are carried out whatever the cache has. */
  readonly noCacheStages: ReadonlySet<string>;
  readonly contexts: NamedContexts;
  /** Of `run`, for all RUNs. */
  readonly runFlags: Partial<CreateRequest>;
  /** RUN --network=host, which the Dockerfile alone does not get. */
  readonly allowsHostNetwork: boolean;
  readonly secrets: MountSources['secrets'];
  readonly ssh: MountSources['ssh'];
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number | undefined;
  readonly imported: ImportedCache;
  readonly warn: (text: string) => void;
  /** Ctrl+C. */
  readonly signal?: AbortSignal;
}

export class Builder {
  private readonly stages = new Map<number, Promise<Stage>>();
  private readonly abort = new AbortController();
  private readonly copies: CopyStep;
  private readonly cache: LayerCache;
  private readonly named: ContextStages;
  private readonly runs: RunStep;
  /** Of each instruction that makes a layer, in words. */
  readonly outcomes = new Map<Instruction, string>();

  constructor(private readonly options: BuilderOptions) {
    this.cache = new LayerCache(options);
    this.copies = new CopyStep({ ...options, signal: this.abort.signal }, (name, before) =>
      this.source(name, before),
    );
    this.named = new ContextStages({ ...options, copies: this.copies, cache: this.cache });
    const source = async (name: string | undefined, before: number): Promise<Stage> =>
      name === undefined ? made(await this.named.main()) : this.sourceStage(name, before);
    this.runs = new RunStep({
      ...options,
      cache: this.cache,
      source,
      signal: this.abort.signal,
      runs: countRuns(options.plan),
    });
  }

  /** Of all layers that the build has used or made. */
  get records(): readonly CacheRecord[] {
    return [...this.cache.used.values()];
  }

  /** The target's. @throws BuildError, the first one of any stage. */
  async build(): Promise<Stage> {
    const { plan, signal } = this.options;
    signal?.addEventListener('abort', () => this.abort.abort(signal.reason), { once: true });
    const all = plan.stages.map(({ text }) => this.stage(text.index));
    try {
      await Promise.all(all);
      return await this.stage(plan.target);
    } catch (error) {
      this.abort.abort(error);
      await Promise.allSettled(all);
      throw error;
    } finally {
      this.named.close();
      await this.runs.close();
    }
  }

  private stage(index: number): Promise<Stage> {
    const known = this.stages.get(index);
    if (known !== undefined) return known;
    const planned = this.options.plan.stages.find(({ text }) => text.index === index);
    if (planned === undefined) throw new Error(`stage ${String(index)} is not planned`);
    const stage = this.carryOut(planned);
    this.stages.set(index, stage);
    return stage;
  }

  private async carryOut(planned: PlannedStage): Promise<Stage> {
    const { plan, report, explains } = this.options;
    const { triggers, stage: base } = await this.base(planned);
    const instructions = [...triggers, ...planned.text.instructions];
    const total = 1 + instructions.filter(makesLayer).length;
    let at = 1;
    const isNamed = plan.stages.length > 1 || planned.text.name !== undefined;
    const label = isNamed ? `${planned.label} ` : '';
    let stage: Stage = { ...base, fresh: isFresh(planned, this.options.noCacheStages) };
    for (const instruction of instructions) {
      this.abort.signal.throwIfAborted();
      if (makesLayer(instruction)) {
        at += 1;
        const vertex = report.vertex(`[${label}${String(at)}/${String(total)}] ${instruction.text}`);
        stage = await this.withVertex(stage, instruction, planned, vertex);
      } else if (instruction.kind !== 'FROM') {
        stage = this.metadata(stage, instruction);
        if (!explains) continue;
        const vertex = report.vertex(`[${label.trim() || 'stage'}] ${instruction.text}`);
        await report.during(vertex, () => Promise.resolve(report.note(vertex, effectOf(instruction))));
      }
    }
    return stage;
  }

  private async withVertex(
    stage: Stage,
    instruction: Instruction,
    planned: PlannedStage,
    vertex: Vertex,
  ): Promise<Stage> {
    const { report, explains, dryRun } = this.options;
    return report.during(vertex, async (cached) => {
      const outcome = ({ how, why }: Outcome): void => {
        if (how === 'cached') cached();
        const words = how === 'cached' ? 'cached' : dryRun ? 'would be carried out' : 'carried out';
        this.outcomes.set(instruction, `${words}: ${why}`);
        if (!explains) return;
        report.note(vertex, effectOf(instruction));
        report.note(vertex, `${words}: ${why}`);
      };
      const unknown = (): Stage => {
        outcome({ how: 'made', why: 'what it is built on, or copies, is not there yet' });
        return { ...stage, isUnknown: true };
      };
      if (stage.isUnknown === true) return unknown();
      try {
        return await this.layered(stage, instruction, planned, vertex, outcome);
      } catch (error) {
        if (error instanceof NotMadeYet) return unknown();
        throw inInstruction(error, instruction);
      }
    });
  }

  private metadata(stage: Stage, instruction: Instruction): Stage {
    switch (instruction.kind) {
      case 'RUN':
      case 'COPY':
      case 'ADD':
      case 'WORKDIR':
      case 'FROM':
        return stage;
      default:
        return applyMetadata(stage, instruction, this.options.scope);
    }
  }

  private async base({ base, platform, text }: PlannedStage): Promise<Begun> {
    if (base.kind === 'stage') {
      return stageFrom(await this.stage(base.index));
    }
    if (base.kind === 'scratch') return { stage: SCRATCH, triggers: [] };
    if (base.kind === 'context') return this.named.begun(base.name);
    const { report } = this.options;
    const image = await report.during(
      report.vertex(`[${text.name ?? 'internal'}] FROM ${base.name}`),
      async () => {
        try {
          return await this.options.image(base.name, platform);
        } catch (error) {
          if (error instanceof NotMadeYet) return undefined;
          throw inInstruction(error, text.from);
        }
      },
    );
    if (image === undefined) return { stage: { ...SCRATCH, isUnknown: true }, triggers: [] };
    return stageOf(this.options.store, image);
  }

  private async layered(
    stage: Stage,
    instruction: Instruction,
    planned: PlannedStage,
    vertex: Vertex,
    cached: Cached,
  ): Promise<Stage> {
    switch (instruction.kind) {
      case 'RUN':
        return this.runs.perform(stage, instruction, planned.text.index, vertex, cached);
      case 'COPY':
      case 'ADD':
        return this.copy(stage, instruction, planned, vertex, cached);
      case 'WORKDIR': {
        const { escape } = this.options.scope;
        const given = inLine(instruction.lines, () => expandWord(instruction.value, stage.variables, escape));
        const path = workdir(stage.config, given);
        const { User: user = '' } = stage.config;
        const next: Stage = { ...stage, config: { ...stage.config, WorkingDir: path } };
        return this.cache.layer(next, `WORKDIR ${path}`, ['WORKDIR', path, user], cached, async (layer) => {
          const root = openStage(layer, stage.dirs);
          try {
            const directories = new Directories(root);
            directories.make(path, user === '' ? { uid: 0, gid: 0 } : findOwner(root, user));
            directories.end(this.cache.time);
          } finally {
            closeSync(root);
          }
        });
      }
      default:
        return stage;
    }
  }

  private async copy(
    stage: Stage,
    instruction: CopyInstruction,
    { text }: PlannedStage,
    vertex: Vertex,
    cached: Cached,
  ): Promise<Stage> {
    const copy = await this.copies.prepare(stage, instruction, text.index, (words) =>
      this.options.report.output(vertex, Buffer.from(words)),
    );
    try {
      return await this.cache.layer(stage, copy.createdBy, copy.key, cached, (layer) =>
        copy.perform(layer, stage.dirs, this.cache.time),
      );
    } finally {
      copy.close();
    }
  }

  /** A stage by name or number, else an image. */
  private async sourceStage(name: string, before: number): Promise<Stage> {
    const { plan } = this.options;
    if (this.named.has(name)) return made((await this.named.begun(name)).stage);
    const found = findStage(
      plan.stages.map(({ text }) => text),
      name,
      before,
      true,
    );
    if (found !== undefined) return made(await this.stage(found));
    return stageOf(this.options.store, await this.options.image(name, undefined)).stage;
  }

  private async source(name: string, before: number): Promise<CopySource> {
    return (await this.named.folder(name)) ?? (await this.sourceStage(name, before)).dirs;
  }
}

function made(stage: Stage): Stage {
  if (stage.isUnknown === true) throw new NotMadeYet();
  return stage;
}

const countRuns = ({ stages }: BuildPlan): number =>
  stages.flatMap(({ text }) => text.instructions).filter(({ kind }) => kind === 'RUN').length;

const isFresh = ({ text, label }: PlannedStage, names: ReadonlySet<string>): boolean =>
  names.has(label) || (text.name !== undefined && names.has(text.name));

const makesLayer = ({ kind }: Instruction): boolean => ['RUN', 'COPY', 'ADD', 'WORKDIR'].includes(kind);
