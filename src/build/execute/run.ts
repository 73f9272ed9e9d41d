/**
 * RUN: an ordinary container over the stage's layers, whose overlay writes into the new layer. It is tied to this process:
 * its shim kills it when the build is gone, and removes it when it ends.
 */
import { symlinkSync } from 'node:fs';
import type { ContainerDefaults, StoredImage } from '../../../images/types.ts';
import { ownerTag } from '../../../images/store/owner.ts';
import { createContainer } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import type { CreateRequest } from '../../engine/spec/create-request.ts';
import { fromWire, launchShim, shimLost } from '../../engine/start.ts';
import { overlayDir } from '../../engine/state/paths.ts';
import type { WaitingShim } from '../../engine/shim/client/shim-process.ts';
import type { NewLayer } from './layer.ts';
import { missingIn, removeStubs } from './stubs.ts';

export interface RunRequest {
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** For the program alone: in memory, on its way to PID 1. */
  readonly secretEnv: readonly string[];
  readonly config: ContainerDefaults;
  /** Directories, base first. */
  readonly layers: readonly string[];
  readonly layer: NewLayer;
  /** Flags of `run`: network, limits, mounts. */
  readonly flags: Partial<CreateRequest>;
  readonly output: (stream: 1 | 2, bytes: Buffer) => void;
  readonly signal?: AbortSignal;
  /** Started already, if there is one. */
  readonly shim: WaitingShim | undefined;
}

export interface Ran {
  readonly status: number;
  /** Resolves when the container is gone, with the failure if it could not be removed. The next RUN need not wait. */
  readonly removed: Promise<Error | undefined>;
}

/** @throws what the shim reports. */
export async function runInStage(engine: Engine, request: RunRequest): Promise<Ran> {
  const { args, config, layers, layer, flags, output, signal, shim } = request;
  const [program = '', ...rest] = args;
  const image = stageImage({ ...config, Env: request.env, Volumes: null, Healthcheck: null }, layers);
  const container = await createContainer(
    engine.containers,
    {
      image: 'minidock-build',
      args: rest,
      entrypoint: program,
      attachStdin: false,
      attachStdout: true,
      attachStderr: true,
      rm: true,
      logDriver: 'none',
      hostname: 'buildkitsandbox',
      builder: ownerTag(),
      ...flags,
    },
    image,
    shim?.id,
  );
  const { id } = container;
  // What the container writes is the layer.
  symlinkSync(layer.overlay, overlayDir(engine.paths, id));
  const before = missingIn(
    layers,
    container.spec.mounts.map(({ target }) => target),
  );
  let gone: (failure?: Error) => void = () => undefined;
  const removed = new Promise<Error | undefined>((resolve) => (gone = resolve));
  const status = await new Promise<number>((resolve, reject) => {
    const connection = launchShim(
      {
        id,
        ...engine.paths,
        explain: false,
        tied: true,
        secretEnv: request.secretEnv,
        attach: { stdin: false, stdout: true, stderr: true },
      },
      {
        output,
        message: (message) => {
          if (message.type === 'ended') {
            // Its removal goes on, whatever becomes of the build.
            signal?.removeEventListener('abort', abort);
            resolve(message.exitCode);
          } else if (message.type === 'exited') {
            resolve(message.exitCode);
            end();
          } else if (message.type === 'failed') end(fromWire(message.error));
        },
        closed: () => end(shimLost(engine.paths, id)),
      },
      shim,
    );
    let isOver = false;
    const end = (failure?: Error): void => {
      if (isOver) return;
      isOver = true;
      connection.close();
      gone(failure);
      // Without effect where the program has ended before.
      if (failure !== undefined) reject(failure);
    };
    const abort = (): void => end(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
  });
  removeStubs(layer.upper, before);
  return { status, removed };
}

const stageImage = (config: ContainerDefaults, layerDirs: readonly string[]): StoredImage => ({
  id: '',
  config: { architecture: '', os: 'linux', config, rootfs: { type: 'layers', diff_ids: [] } },
  manifestDigest: '',
  tags: [],
  repoDigests: [],
  layerDirs,
  size: 0,
  lastTagged: '',
});
