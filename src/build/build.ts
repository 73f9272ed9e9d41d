/** `build` from flags to an image: the context, the plan, the stages, the image and its names. */
import { formatPlatform, hostPlatform, parsePlatform } from '../../images/platform.ts';
import { tagOf } from '../../images/reference.ts';
import type { ImageStore } from '../../images/store/image-store.ts';
import type { StoredImage } from '../../images/types.ts';
import type { Engine } from '../engine/engine.ts';
import { untilInterrupt } from '../engine/images/until-interrupt.ts';
import { listContainers } from '../engine/reconcile.ts';
import type { CreateRequest } from '../engine/spec/create-request.ts';
import type { CacheRecord } from '../engine/state/build-cache.ts';
import { Builder } from './builder.ts';
import type { CacheSource, CacheTarget } from './cache/cache-flags.ts';
import type { ImportedCache } from './cache/import-cache.ts';
import { checkDockerfile, refuseFindings, showFindings } from './check/check.ts';
import type { Finding } from './check/finding.ts';
import type { NamedContexts } from './context/named-contexts.ts';
import { openContext } from './context/open-context.ts';
import { BuildError, NotMadeYet } from './errors.ts';
import { explainPlan } from './explain-plan.ts';
import { writeImage, type WrittenImage } from './image.ts';
import { parseDockerfile, type Dockerfile } from './parse/dockerfile.ts';
import { planBuild } from './plan/graph.ts';
import { Reporter } from './progress/report.ts';
import { sweepHeldFiles } from './held-files.ts';
import type { MountSources } from './mount-options.ts';
import { showLines } from './show-lines.ts';

export interface BuildRequest {
  readonly engine: Engine;
  /** A folder, or '-'. */
  readonly context: string;
  readonly file: string | undefined;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly target: string | undefined;
  readonly platform: string | undefined;
  readonly useCache: boolean;
  readonly noCacheStages: ReadonlySet<string>;
  readonly contexts: NamedContexts;
  readonly runFlags: Partial<CreateRequest>;
  readonly allowsHostNetwork: boolean;
  readonly secrets: MountSources['secrets'];
  readonly ssh: MountSources['ssh'];
  readonly epoch: number | undefined;
  readonly cacheFrom: readonly CacheSource[];
  readonly cacheTo: readonly CacheTarget[];
  readonly image: (name: string, platform: string | undefined) => Promise<StoredImage>;
  readonly report: Reporter;
  /** What each instruction does, and why it is carried out or not. */
  readonly explains: boolean;
  readonly warn: (text: string) => void;
}

export interface Built {
  /** Directories of the target's layers, base first. */
  readonly dirs: readonly string[];
  readonly image: WrittenImage;
  /** Of all layers that the build has used or made, and those of them that are in the image. */
  readonly records: readonly CacheRecord[];
  readonly inImage: readonly CacheRecord[];
}

export async function build(request: BuildRequest): Promise<Built> {
  const { engine, tags, labels, annotations, epoch } = request;
  // Wrong names are refused before any work is done.
  for (const tag of tags) tagOf(tag);
  const store = await engine.images();
  // Also where the cache has every layer: what killed builds have left goes.
  await listContainers(engine.containers);
  store.clearTemporary();
  sweepHeldFiles(engine.paths);
  return withPlan(request, async ({ plan, context, dockerfile, findings }) => {
    refuseFindings(dockerfile, findings);
    const platform = platformOf(request.platform);
    const { stage, records } = await untilInterrupt(interrupted, async (signal) => {
      const imported = await openCaches(request, store, signal);
      const builder = makeBuilder({ ...request, signal, imported }, store, { plan, context }, false);
      return { stage: await builder.build(), records: builder.records };
    });
    // By key: layers without a change have one diff id, whichever stage they are of.
    const own = new Set(stage.cacheKeys);
    const inImage = records.filter(({ key }) => own.has(key));
    const inline = request.cacheTo.some(({ type }) => type === 'inline') ? inImage : undefined;
    const now = (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString();
    return {
      dirs: stage.dirs,
      image: await writeImage(store, { stage, platform, labels, annotations, now, inline }),
      records,
      inImage,
    };
  });
}

/** Loaded only for a build that names some. */
async function openCaches(
  { cacheFrom, warn }: BuildRequest,
  store: ImageStore,
  signal: AbortSignal,
): Promise<ImportedCache> {
  if (cacheFrom.length === 0) return new Map();
  const { importCaches } = await import('./cache/import-cache.ts');
  return importCaches(store, cacheFrom, signal, warn);
}

const interrupted = (): BuildError =>
  new BuildError({ code: 'INTERRUPTED', message: 'the build was interrupted', exitCode: 130 });

/** `--check`: what is reported, and whether there was something to report. Nothing is built. */
export const checkBuild = (
  request: BuildRequest,
): Promise<{ readonly text: string; readonly count: number }> =>
  withPlan(request, ({ findings, lines }) =>
    Promise.resolve({
      text: showFindings(request.file ?? 'Dockerfile', lines, findings),
      count: findings.length,
    }),
  );

/** Nothing is built. */
export async function explainBuild(request: BuildRequest): Promise<string> {
  const store = await request.engine.images();
  return withPlan(request, async ({ plan, context }) => {
    const imported = await untilInterrupt(interrupted, (signal) => openCaches(request, store, signal));
    const builder = makeBuilder({ ...request, imported }, store, { plan, context }, true);
    await builder.build();
    return explainPlan(plan, builder.outcomes);
  });
}

function makeBuilder(
  request: BuildRequest & { readonly signal?: AbortSignal; readonly imported: ImportedCache },
  store: ImageStore,
  { plan, context }: Pick<Planned, 'plan' | 'context'>,
  dryRun: boolean,
): Builder {
  const silent = new Reporter(() => undefined);
  const inStore = async (name: string): Promise<StoredImage> => {
    const image = await store.find(name);
    if (image === undefined) throw new NotMadeYet();
    return image;
  };
  return new Builder({
    ...request,
    store,
    plan,
    dryRun,
    explains: request.explains || dryRun,
    report: dryRun ? silent : request.report,
    scope: { escape: plan.escape, buildArgs: request.buildArgs, globals: plan.globals },
    context: () => Promise.resolve(context.tree),
    image: dryRun ? inStore : request.image,
  });
}

interface Planned {
  readonly plan: ReturnType<typeof planBuild>;
  readonly context: Awaited<ReturnType<typeof openContext>>;
  readonly dockerfile: Dockerfile;
  readonly findings: readonly Finding[];
  readonly lines: readonly string[];
}

async function withPlan<T>(request: BuildRequest, work: (planned: Planned) => Promise<T>): Promise<T> {
  const store = await request.engine.images();
  const context = await openContext(
    store,
    request.context,
    request.file,
    process.stdin,
    request.ssh,
    interrupted,
  );
  const lines = context.text.split('\n').map((line) => line.replace(/\r$/, ''));
  try {
    const dockerfile = parseDockerfile(context.text);
    noteIgnored(dockerfile, request.warn);
    const plan = planBuild(dockerfile, {
      target: request.target,
      buildArgs: request.buildArgs,
      platform: formatPlatform(platformOf(request.platform)),
      contexts: new Set(request.contexts.keys()),
    });
    const findings = checkDockerfile(dockerfile, {
      globals: plan.globals,
      buildArgs: request.buildArgs,
      rules: context.tree.rules,
      baseEnv: await envOfImages(store, plan),
    });
    return await work({ plan, context, dockerfile, findings, lines });
  } catch (error) {
    if (error instanceof BuildError && error.lines !== undefined && error.lines.first > 0)
      request.warn(showLines(request.file ?? 'Dockerfile', lines, error.lines));
    throw error;
  } finally {
    context.close();
  }
}

function platformOf(text: string | undefined): ReturnType<typeof hostPlatform> {
  const host = hostPlatform();
  if (text === undefined) return host;
  const wanted = parsePlatform(text);
  if (formatPlatform(wanted) === formatPlatform(host)) return host;
  throw new BuildError({
    code: 'NOT_SUPPORTED',
    message: `cannot build for ${formatPlatform(wanted)}: this machine is ${formatPlatform(host)}, and minidock uses no emulator`,
  });
}

/** Names of variables that the base images set; nothing is pulled for it. */
async function envOfImages(
  store: ImageStore,
  { stages }: ReturnType<typeof planBuild>,
): Promise<(image: string) => readonly string[] | undefined> {
  const known = new Map<string, readonly string[]>();
  for (const { base } of stages) {
    const image = base.kind === 'image' ? await store.find(base.name) : undefined;
    if (base.kind === 'image' && image !== undefined)
      known.set(
        base.name,
        (image.config.config?.Env ?? []).map((entry) => entry.split('=', 1)[0] ?? ''),
      );
  }
  return (image) => known.get(image);
}

/** minidock reads Dockerfiles itself. */
function noteIgnored({ directives: { syntax } }: Dockerfile, warn: (text: string) => void): void {
  if (syntax !== undefined && !/^docker\/dockerfile(:1(\.\d+)*)?$/.test(syntax.split('@')[0] ?? ''))
    warn(`note: "# syntax=${syntax}" is ignored: minidock reads Dockerfiles itself\n`);
}
