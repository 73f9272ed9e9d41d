/** A RUN: what goes into its key, and the container that makes its layer. */
import type { ImageStore } from '../../images/store/image-store.ts';
import { closeSync } from 'node:fs';
import { startShimAhead, type WaitingShim } from '../engine/shim/client/shim-process.ts';
import type { Engine } from '../engine/engine.ts';
import type { CreateRequest } from '../engine/spec/create-request.ts';
import { oneLine } from '../../runtime/printable.ts';
import { BuildError } from './errors.ts';
import type { Ran, RunRequest } from './execute/run.ts';
import type { Cached, LayerCache } from './layer-cache.ts';
import type { Scope } from './metadata.ts';
import type { RunInstruction } from './parse/instruction.ts';
import type { Reporter, Vertex } from './progress/report.ts';
import { proxyEnv, runEnv, runText, runWords } from './run-instruction.ts';
import type { MountSources } from './mount-options.ts';
import { RunMounts } from './run-mounts.ts';
import type { Stage } from './stage.ts';
import { takeTurns } from './take-turns.ts';

export interface RunParts {
  readonly engine: Engine;
  readonly store: ImageStore;
  readonly report: Reporter;
  readonly scope: Scope;
  /** Of `run`, for all RUNs. */
  readonly runFlags: Partial<CreateRequest>;
  /** RUN --network=host, which the Dockerfile alone does not get. */
  readonly allowsHostNetwork: boolean;
  readonly secrets: MountSources['secrets'];
  readonly ssh: MountSources['ssh'];
  readonly cache: LayerCache;
  /** The context without a name. */
  readonly source: (name: string | undefined, before: number) => Promise<Stage>;
  readonly signal: AbortSignal;
  readonly warn: (text: string) => void;
  /** How many there are in the whole build. */
  readonly runs: number;
}

export class RunStep {
  /** Its program starts while the RUN before is carried out. */
  private ahead: WaitingShim | undefined;
  private left: number;
  private readonly removals: Promise<Error | undefined>[] = [];

  constructor(private readonly parts: RunParts) {
    this.left = parts.runs;
  }

  /** A shim that got no container exits. The containers are gone afterwards. */
  async close(): Promise<void> {
    if (this.ahead !== undefined) closeSync(this.ahead.control);
    this.ahead = undefined;
    for (const failure of await Promise.all(this.removals.splice(0))) {
      if (failure === undefined) continue;
      this.parts.warn(
        `warning: the container of a RUN is not wholly removed: ${oneLine(failure.message)}\n` +
          'minidock doctor --fix repairs what is left.\n',
      );
    }
  }

  private async run(request: RunRequest): Promise<Ran> {
    // A build that the cache answers makes no container, and need not load what does.
    const { runInStage } = await import('./execute/run.ts');
    return takeTurns(this.removals, (isSecond) =>
      runInStage(this.parts.engine, isSecond ? { ...request, shim: undefined } : request),
    );
  }

  async perform(
    stage: Stage,
    instruction: RunInstruction,
    index: number,
    vertex: Vertex,
    cached: Cached,
  ): Promise<Stage> {
    const { engine, store, report, runFlags, scope, secrets, ssh, cache, signal } = this.parts;
    this.refuseHostNetwork(instruction);
    const words = runWords(instruction, stage);
    const env = runEnv(stage);
    const network = instruction.network === 'default' ? undefined : instruction.network;
    const source = (name: string | undefined): Promise<Stage> => this.parts.source(name, index);
    const mounts = new RunMounts({ engine, store, secrets, ssh, source, signal });
    const { WorkingDir, User } = stage.config;
    const prepared = await mounts.prepare(instruction, stage, scope);
    const key = [
      'RUN',
      words,
      env,
      WorkingDir ?? '',
      User ?? '',
      network ?? runFlags.network ?? '',
      runFlags.addHost ?? [],
      prepared.key,
    ];
    const createdBy = runText(words, stage);
    return cache.layer(stage, createdBy, key, cached, async (layer) => {
      const held = await prepared.hold(words.script);
      try {
        const shim = this.ahead ?? startShimAhead();
        this.left -= 1;
        this.ahead = this.left > 0 ? startShimAhead() : undefined;
        const { status, removed } = await this.run({
          args: words.args,
          env: [...env, ...proxyEnv(scope.buildArgs, stage), ...held.env],
          secretEnv: held.secretEnv,
          config: stage.config,
          layers: stage.dirs.length === 0 ? [`${layer.work}/empty`] : stage.dirs,
          layer,
          flags: { ...runFlags, ...(network === undefined ? {} : { network }), ...held.flags },
          output: (_, bytes) => report.output(vertex, Buffer.from(bytes)),
          signal,
          shim,
        });
        this.removals.push(removed);
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

  private refuseHostNetwork({ network, lines }: RunInstruction): void {
    if (network !== 'host' || this.parts.allowsHostNetwork) return;
    throw new BuildError({
      code: 'NOT_ALLOWED',
      message: 'network.host is not allowed',
      hint: 'This RUN asks for the network of the host. If you trust the Dockerfile, build with --allow network.host.',
      lines,
    });
  }
}
