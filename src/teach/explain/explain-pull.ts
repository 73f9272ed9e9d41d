/** `--explain` and `--dry-run` of `pull`. A dry run asks the registry and keeps nothing of its answers. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PullResult, PullStore } from '../../../images/pull.ts';
import type { Answered } from '../../../images/registry/session.ts';
import { BlobStore } from '../../../images/store/blob-store.ts';
import type { ImageStore } from '../../../images/store/image-store.ts';
import { withoutRepeats } from '../../../images/store/layer-stack.ts';
import { layerName } from '../../../images/store/layer-store.ts';
import type { ImageConfig, StoredImage } from '../../../images/types.ts';
import { acquireLock } from '../../engine/images/image-lock.ts';
import type { Engine } from '../../engine/engine.ts';
import { planPullSteps } from '../../engine/plans/pull-plan.ts';
import { imagesDir, type Paths } from '../../engine/state/paths.ts';
import { pullByName, resolveByName, type PullByNameOptions } from '../../engine/images/pull.ts';
import type { ExplainHow } from './how.ts';
import { printSteps } from './step-printer.ts';
import { createLocalReporter } from './local-reporter.ts';

export async function explainPull(
  engine: Engine,
  name: string,
  options: PullByNameOptions,
  how: ExplainHow,
): Promise<PullResult> {
  const reporter = await createLocalReporter(how);
  try {
    return await pullByName(engine, name, { ...options, onSteps: reporter.plan });
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
  try {
    const kept = readingStore(dir, store);
    const { tasks, config } = await resolveByName(name, options, kept, (answered) => answers.push(answered));
    const plan = planPullSteps(engine.paths, answers, tasks);
    const there = [...plan.tasks].filter(([task]) => task.kind !== 'name' && store?.isUnpacked(task.diffId));
    const already = [...there.map(([, step]) => step), ...(plan.known === undefined ? [] : [plan.known])];
    await printSteps(plan.steps, how, new Set(already.map(({ id }) => id)));
    return preview(engine.paths, tasks.config.digest, config);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Unpacking would also tell the size and what the layers need from each other. */
function preview(paths: Paths, id: string, config: ImageConfig): StoredImage {
  return {
    id,
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
