/**
 * RUN: an ordinary container over the stage's layers, whose overlay writes into the new layer. It is tied to this process:
 * its shim kills it when the build is gone, and removes it when it ends.
 */
import { lstatSync, readdirSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerDefaults, StoredImage } from '../../../images/types.ts';
import { ownerTag } from '../../../images/store/owner.ts';
import { createContainer } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { overlayDir } from '../../engine/plans/bundle.ts';
import type { CreateRequest } from '../../engine/spec/create-request.ts';
import { fromWire, launchShim, shimLost } from '../../engine/start.ts';
import type { WaitingShim } from '../../engine/shim/client/shim-process.ts';
import type { NewLayer } from './layer.ts';

export interface RunRequest {
  readonly args: readonly string[];
  readonly env: readonly string[];
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

/** Its exit status. @throws what the shim reports. */
export async function runInStage(engine: Engine, request: RunRequest): Promise<number> {
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
  const before = stubs(
    layers,
    container.spec.mounts.map(({ target }) => target),
  );
  const status = await new Promise<number>((resolve, reject) => {
    const connection = launchShim(
      {
        id,
        ...engine.paths,
        explain: false,
        tied: true,
        attach: { stdin: false, stdout: true, stderr: true },
      },
      {
        output,
        message: (message) => {
          if (message.type === 'exited') end(() => resolve(message.exitCode));
          if (message.type === 'failed') end(() => reject(fromWire(message.error)));
        },
        closed: () => end(() => reject(shimLost(engine.paths, id))),
      },
      shim,
    );
    let ended = false;
    const end = (how: () => void): void => {
      if (ended) return;
      ended = true;
      connection.close();
      how();
    };
    signal?.addEventListener('abort', () => end(() => reject(signal.reason as Error)), { once: true });
  });
  removeStubs(layer.upper, before);
  return status;
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

const FILES = ['etc/hosts', 'etc/hostname', 'etc/resolv.conf', '.dockerenv'];

/** Mount points and their directories that the stage does not have: no change of the instruction's. Deepest first. */
function stubs(layers: readonly string[], targets: readonly string[]): readonly string[] {
  const all = [...FILES, ...targets].flatMap((path) => {
    const parts = path.split('/').filter((part) => part !== '');
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  });
  return [...new Set(all)]
    .filter(
      (path) =>
        !layers.some((layer) => lstatSync(join(layer, path), { throwIfNoEntry: false }) !== undefined),
    )
    .sort((a, b) => b.split('/').length - a.split('/').length);
}

/** What the instruction has filled stays. */
function removeStubs(upper: string, paths: readonly string[]): void {
  for (const path of paths) {
    if (!isEmpty(upper, path)) continue;
    const full = join(upper, path);
    if (lstatSync(full).isDirectory()) rmdirSync(full);
    else rmSync(full);
  }
}

/** No component of the path may be a link: this is the host's own look at it. */
function isEmpty(upper: string, path: string): boolean {
  let here = upper;
  for (const part of path.split('/')) {
    const stats = lstatSync(here, { throwIfNoEntry: false });
    if (stats?.isDirectory() !== true) return false;
    here = join(here, part);
  }
  const stats = lstatSync(here, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (stats.isDirectory()) return readdirSync(here).length === 0;
  return stats.isFile() && stats.size === 0;
}
