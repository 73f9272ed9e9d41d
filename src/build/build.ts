/** `build` from flags to an image: the context, the plan, the stages, the image and its names. */
import { formatPlatform, hostPlatform, parsePlatform } from '../../images/platform.ts';
import { tagOf } from '../../images/archives/import.ts';
import type { StoredImage } from '../../images/types.ts';
import type { Engine } from '../engine/engine.ts';
import { listContainers } from '../engine/reconcile.ts';
import type { CreateRequest } from '../engine/spec/create-request.ts';
import { Builder } from './builder.ts';
import type { NamedContexts } from './context/named-contexts.ts';
import { openContext } from './context/open-context.ts';
import { BuildError } from './errors.ts';
import { explainPlan } from './explain-plan.ts';
import { writeImage, type WrittenImage } from './image.ts';
import { parseDockerfile, type Dockerfile } from './parse/dockerfile.ts';
import { planBuild } from './plan/graph.ts';
import type { Reporter } from './progress/report.ts';
import type { MountSources } from './run-mounts.ts';
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
  readonly image: (name: string, platform: string | undefined) => Promise<StoredImage>;
  readonly report: Reporter;
  readonly warn: (text: string) => void;
}

export interface Built {
  /** Directories of the target's layers, base first. */
  readonly dirs: readonly string[];
  readonly image: WrittenImage;
}

export async function build(request: BuildRequest): Promise<Built> {
  const { engine, tags, labels, annotations, epoch } = request;
  // Wrong names are refused before any work is done.
  tags.forEach(tagOf);
  const store = await engine.images();
  // Also where the cache has every layer: what killed builds have left goes.
  await listContainers(engine.containers);
  await store.clearTemporary();
  return withPlan(request, async ({ plan, context }) => {
    const platform = platformOf(request.platform);
    const builder = new Builder({
      engine,
      store,
      plan,
      report: request.report,
      scope: { escape: plan.escape, buildArgs: request.buildArgs, globals: plan.globals },
      context: () => Promise.resolve(context.tree),
      image: request.image,
      useCache: request.useCache,
      noCacheStages: request.noCacheStages,
      contexts: request.contexts,
      runFlags: request.runFlags,
      allowsHostNetwork: request.allowsHostNetwork,
      secrets: request.secrets,
      ssh: request.ssh,
      epoch,
    });
    const stage = await builder.build();
    const now = (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString();
    return {
      dirs: stage.dirs,
      image: await writeImage(store, { stage, platform, labels, annotations, now }),
    };
  });
}

/** Nothing is built. */
export const explainBuild = (request: BuildRequest): Promise<string> =>
  withPlan(request, ({ plan }) => Promise.resolve(explainPlan(plan)));

interface Planned {
  readonly plan: ReturnType<typeof planBuild>;
  readonly context: Awaited<ReturnType<typeof openContext>>;
}

async function withPlan<T>(request: BuildRequest, work: (planned: Planned) => Promise<T>): Promise<T> {
  const store = await request.engine.images();
  const context = await openContext(store, request.context, request.file, process.stdin);
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
    return await work({ plan, context });
  } catch (error) {
    if (error instanceof BuildError && error.lines !== undefined && error.lines.first > 0)
      request.warn(showLines(request.file ?? 'Dockerfile', lines, error.lines));
    throw error;
  } finally {
    await context.close();
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

/** minidock reads Dockerfiles itself, and has no build checks. */
function noteIgnored({ directives: { syntax, check } }: Dockerfile, warn: (text: string) => void): void {
  if (syntax !== undefined && !/^docker\/dockerfile(:1(\.\d+)*)?$/.test(syntax.split('@')[0] ?? ''))
    warn(`note: "# syntax=${syntax}" is ignored: minidock reads Dockerfiles itself\n`);
  if (check !== undefined) warn(`note: "# check=${check}" is ignored: minidock has no build checks\n`);
}
