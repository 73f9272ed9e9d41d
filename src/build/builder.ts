/**
 * Carries a plan out: each stage from its base on, one instruction after the other; stages that do not need each other
 * side by side. A layer is made only if the cache has none for the digest of all that goes into it.
 */
import { closeSync } from 'node:fs';
import type { ImageStore } from '../../images/store/image-store.ts';
import type { StoredImage } from '../../images/types.ts';
import type { Engine } from '../engine/engine.ts';
import type { CreateRequest } from '../engine/spec/create-request.ts';
import { SCRATCH, stageOf, type Begun } from './bases.ts';
import { ContextStages } from './context-stages.ts';
import { CopyStep, type CopySource } from './copy-step.ts';
import { BuildError } from './errors.ts';
import { Directories, findOwner } from './execute/destination.ts';
import { LayerCache } from './layer-cache.ts';
import { openStage, type NewLayer } from './execute/layer.ts';
import { runInStage } from './execute/run.ts';
import { applyMetadata, type Scope } from './metadata.ts';
import type { CopyInstruction, Instruction, RunInstruction } from './parse/instruction.ts';
import { expandWord } from './parse/shell-words.ts';
import { workdir } from './plan/config-change.ts';
import { findStage, inLine, type BuildPlan, type PlannedStage } from './plan/graph.ts';
import type { Reporter, Vertex } from './progress/report.ts';
import { proxyEnv, runEnv, runText, runWords } from './run-instruction.ts';
import { RunMounts, type MountSources } from './run-mounts.ts';
import type { NamedContexts } from './context/named-contexts.ts';
import type { SourceTree } from './context/source-tree.ts';
import { variablesOf, type Stage } from './stage.ts';

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
}

export class Builder {
  private readonly stages = new Map<number, Promise<Stage>>();
  private readonly abort = new AbortController();
  private readonly copies: CopyStep;
  private readonly cache: LayerCache;
  private readonly named: ContextStages;

  constructor(private readonly options: BuilderOptions) {
    this.cache = new LayerCache(options);
    this.copies = new CopyStep(options, (name, before) => this.source(name, before));
    this.named = new ContextStages({ ...options, copies: this.copies, cache: this.cache });
  }

  /** The target's. @throws BuildError, the first one of any stage. */
  async build(): Promise<Stage> {
    const { plan } = this.options;
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
    const { plan, report } = this.options;
    const { triggers, stage: base } = await this.base(planned);
    const instructions = [...triggers, ...planned.text.instructions];
    const total = 1 + instructions.filter(makesLayer).length;
    let at = 1;
    const isNamed = plan.stages.length > 1 || planned.text.name !== undefined;
    const prefix = (): string => `[${isNamed ? `${planned.label} ` : ''}${String(at)}/${String(total)}]`;
    let stage: Stage = { ...base, fresh: isFresh(planned, this.options.noCacheStages) };
    for (const instruction of instructions) {
      this.abort.signal.throwIfAborted();
      if (!makesLayer(instruction)) {
        if (instruction.kind !== 'FROM') stage = this.metadata(stage, instruction);
        continue;
      }
      at += 1;
      const vertex = report.vertex(`${prefix()} ${instruction.text}`);
      const before = stage;
      stage = await report.during(vertex, async (cached) => {
        try {
          return await this.layered(before, instruction, planned, vertex, cached);
        } catch (error) {
          throw inInstruction(error, instruction);
        }
      });
    }
    return stage;
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
      const parent = await this.stage(base.index);
      return { stage: { ...parent, args: new Map(), hasCmd: false }, triggers: [] };
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
          throw inInstruction(error, text.from);
        }
      },
    );
    return stageOf(this.options.store, image);
  }

  private async layered(
    stage: Stage,
    instruction: Instruction,
    planned: PlannedStage,
    vertex: Vertex,
    cached: () => void,
  ): Promise<Stage> {
    switch (instruction.kind) {
      case 'RUN':
        return this.run(stage, instruction, planned, vertex, cached);
      case 'COPY':
      case 'ADD':
        return this.copy(stage, instruction, planned, cached);
      case 'WORKDIR': {
        const { escape } = this.options.scope;
        const given = inLine(instruction.lines, () =>
          expandWord(instruction.value, variablesOf(stage), escape),
        );
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
    cached: () => void,
  ): Promise<Stage> {
    const copy = await this.copies.prepare(stage, instruction, text.index);
    try {
      return await this.cache.layer(stage, copy.createdBy, copy.key, cached, (layer) =>
        copy.perform(layer, stage.dirs, this.cache.time),
      );
    } finally {
      copy.close();
    }
  }

  private async run(
    stage: Stage,
    instruction: RunInstruction,
    { text }: PlannedStage,
    vertex: Vertex,
    cached: () => void,
  ): Promise<Stage> {
    const { engine, report, runFlags, scope, secrets, ssh } = this.options;
    const words = runWords(instruction, stage);
    const env = runEnv(stage);
    const network = instruction.network === 'default' ? undefined : instruction.network;
    if (network === 'host' && !this.options.allowsHostNetwork)
      throw new BuildError({
        code: 'NOT_ALLOWED',
        message: 'network.host is not allowed',
        hint: 'This RUN asks for the network of the host. If you trust the Dockerfile, build with --allow network.host.',
        lines: instruction.lines,
      });
    const source = (name: string | undefined): Promise<Stage> =>
      name === undefined ? this.named.main() : this.sourceStage(name, text.index);
    const mounts = new RunMounts({ engine, secrets, ssh, source });
    const { WorkingDir, User } = stage.config;
    const prepared = await mounts.prepare(instruction, stage, scope);
    const key = [
      'RUN',
      words,
      env,
      WorkingDir ?? '',
      User ?? '',
      network ?? runFlags.network ?? '',
      prepared.key,
    ];
    const createdBy = runText(words, stage, variablesOf(stage));
    return this.cache.layer(stage, createdBy, key, cached, async (layer) => {
      const held = await prepared.hold(words.script);
      try {
        const status = await runInStage(engine, {
          args: words.args,
          env: [...env, ...proxyEnv(scope.buildArgs, stage), ...held.env],
          config: stage.config,
          layers: stage.dirs.length === 0 ? [await emptyDir(layer)] : stage.dirs,
          layer,
          flags: { ...runFlags, ...(network === undefined ? {} : { network }), ...held.flags },
          output: (_, bytes) => report.output(vertex, Buffer.from(bytes)),
          signal: this.abort.signal,
        });
        if (status !== 0)
          throw new BuildError({
            code: 'RUN_FAILED',
            message: `process "${words.args.join(' ')}" did not complete successfully: exit code: ${String(status)}`,
            lines: instruction.lines,
          });
      } finally {
        held.release();
      }
    });
  }

  /** A stage by name or number, else an image. */
  private async sourceStage(name: string, before: number): Promise<Stage> {
    const { plan } = this.options;
    if (this.named.has(name)) return (await this.named.begun(name)).stage;
    const found = findStage(
      plan.stages.map(({ text }) => text),
      name,
      before,
      true,
    );
    if (found !== undefined) return await this.stage(found);
    return stageOf(this.options.store, await this.options.image(name, undefined)).stage;
  }

  private async source(name: string, before: number): Promise<CopySource> {
    return (await this.named.folder(name)) ?? (await this.sourceStage(name, before)).dirs;
  }
}

const emptyDir = ({ work }: NewLayer): Promise<string> => Promise.resolve(`${work}/empty`);

const isFresh = ({ text, label }: PlannedStage, names: ReadonlySet<string>): boolean =>
  names.has(label) || (text.name !== undefined && names.has(text.name));

const makesLayer = ({ kind }: Instruction): boolean => ['RUN', 'COPY', 'ADD', 'WORKDIR'].includes(kind);

/** The same error, with the lines that it is about. */
function inInstruction(error: unknown, { lines }: Instruction): unknown {
  if (error instanceof BuildError && error.lines !== undefined) return error;
  if (!(error instanceof Error) || typeof (error as { code?: unknown }).code !== 'string') return error;
  const { code, hint } = error as unknown as { code: string; hint?: string };
  return new BuildError({
    code,
    message: error.message,
    cause: error,
    lines,
    ...(hint === undefined ? {} : { hint }),
  });
}
