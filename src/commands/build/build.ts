/** `build`: an image of a Dockerfile. */
import { writeFileSync } from 'node:fs';
import type { StoredImage } from '../../../images/types.ts';
import { build, checkBuild, explainBuild, type BuildRequest, type Built } from '../../build/build.ts';
import { parseCacheFrom, parseCacheTo } from '../../build/cache/cache-flags.ts';
import { parseContext } from '../../build/context/named-contexts.ts';
import { parseOutput, type Output } from '../../build/output/outputs.ts';
import { plainView } from '../../build/progress/plain.ts';
import { Reporter, type View } from '../../build/progress/report.ts';
import type { CreateRequest } from '../../engine/spec/create-request.ts';
import { imageFor } from '../../engine/images/image-for.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import { showPull } from '../shared/show-pull.ts';
import { collect, type Context, type Verb } from '../shared/verb.ts';
import { agent, annotation, buildArgs, epoch, invalid, pairs, secret } from './flag-values.ts';
import { addOtherFlags, refuseOthers } from './other-flags.ts';
import { writeCaches } from './write-caches.ts';
import { checkOutputs, writeMetadata, writeOutputs, type Written } from './write-outputs.ts';

interface BuildFlags {
  readonly tag?: readonly string[];
  readonly file?: string;
  readonly buildArg?: readonly string[];
  readonly target?: string;
  readonly platform?: string;
  readonly cache: boolean;
  /** Of --no-cache-filter, which commander takes for a negation. */
  readonly cacheFilter: true | readonly string[];
  readonly buildContext?: readonly string[];
  readonly pull?: boolean;
  readonly label?: readonly string[];
  readonly addHost?: readonly string[];
  readonly network?: string;
  readonly allow?: readonly string[];
  readonly secret?: readonly string[];
  readonly ssh?: readonly string[];
  readonly shmSize?: string;
  readonly ulimit?: readonly string[];
  readonly cgroupParent?: string;
  readonly iidfile?: string;
  readonly quiet?: boolean;
  readonly progress?: string;
  readonly load?: boolean;
  readonly push?: boolean;
  readonly output?: readonly string[];
  readonly metadataFile?: string;
  readonly annotation?: readonly string[];
  readonly check?: boolean;
  readonly explain?: boolean;
  readonly dryRun?: boolean;
  readonly cacheFrom?: readonly string[];
  readonly cacheTo?: readonly string[];
}

export const buildImage: Verb = {
  configure(command, context) {
    addOtherFlags(command);
    command
      .usage('[OPTIONS] PATH | URL | -')
      .argument('<context>')
      .option('-t, --tag <name>', 'Name and optionally a tag (format: "name:tag")', collect)
      .option('-f, --file <file>', 'Name of the Dockerfile (default: "PATH/Dockerfile")')
      .option('--build-arg <list>', 'Set build-time variables', collect)
      .option('--target <stage>', 'Set the target build stage to build')
      .option('--platform <platform>', "Set target platform: this machine's")
      .option('--no-cache', 'Do not use cache when building the image')
      .option('--no-cache-filter <stages>', 'Do not use the cache of these stages', collectNegated)
      .option('--cache-from <source>', 'Caches that minidock wrote: "IMAGE", "type=local,src=DIR"', collect)
      .option('--cache-to <dest>', 'Where to: "IMAGE", "type=local,dest=DIR", "type=inline"', collect)
      .option('--build-context <list>', 'Additional build contexts: "name=path"', collect)
      .option('--pull', 'Always attempt to pull all referenced images')
      .option('--label <list>', 'Set metadata for an image', collect)
      .option('--add-host <list>', 'Add a custom host-to-IP mapping (format: "host:ip")', collect)
      .option('--network <mode>', 'Networking mode of the RUN instructions')
      .option('--allow <entitlement>', 'Allow RUN what it may not by itself: "network.host"', collect)
      .option('--secret <list>', 'Secret to expose: "id=mysecret[,src=/local/secret]"', collect)
      .option('--ssh <list>', 'SSH agent socket to expose: "default|<id>[=<socket>]"', collect)
      .option('--shm-size <bytes>', 'Shared memory size for build containers')
      .option('--ulimit <ulimit>', 'Ulimit options', collect)
      .option('--cgroup-parent <path>', 'Parent cgroup of the RUN instructions')
      .option('--iidfile <file>', 'Write the image ID to a file')
      .option('-q, --quiet', 'Suppress the build output and print image ID on success')
      .option('--progress <kind>', 'Type of progress output: auto, plain, tty, rawjson', 'auto')
      .option('-o, --output <dest>', 'Where the result goes: "type=local,dest=path"', collect)
      .option('--push', 'Short for "--output=type=registry"')
      .option('--load', 'Short for "--output=type=docker"')
      .option('--metadata-file <file>', 'Write build result metadata to a file')
      .option('--annotation <list>', 'Add an annotation to the image', collect)
      .option('--check', 'Report what the build checks find, and build nothing')
      .option('--explain', 'Say what each instruction does, and why it is cached or not')
      .option('--dry-run', 'Show the stages and what would be done, cached or copied')
      .action(async (path: string, flags: BuildFlags) => {
        requireRoot('build');
        await perform(context, path, flags);
      });
  },
};

async function perform(context: Context, path: string, flags: BuildFlags): Promise<void> {
  refuseOthers(flags);
  const { engine } = context;
  const { quiet = false, progress = 'auto' } = flags;
  const view = quiet || flags.check === true ? undefined : await viewOf(progress);
  const outputs = outputsOf(flags);
  const tags = flags.tag ?? [];
  checkOutputs(outputs, tags);
  const cacheTo = (flags.cacheTo ?? []).flatMap(parseCacheTo);
  const report = new Reporter((event) => view?.event(event));
  const request: BuildRequest = {
    engine,
    context: path,
    file: flags.file,
    tags,
    annotations: Object.fromEntries((flags.annotation ?? []).map(annotation)),
    labels: Object.fromEntries(pairs(flags.label ?? [])),
    buildArgs: new Map(buildArgs(flags.buildArg ?? [])),
    target: flags.target,
    platform: flags.platform,
    useCache: flags.cache,
    noCacheStages: new Set(
      (flags.cacheFilter === true ? [] : flags.cacheFilter).flatMap((names) =>
        names.toLowerCase().split(','),
      ),
    ),
    contexts: new Map((flags.buildContext ?? []).map(parseContext)),
    runFlags: runFlags(flags),
    allowsHostNetwork: allowsHostNetwork(flags),
    secrets: new Map((flags.secret ?? []).map(secret)),
    ssh: new Map((flags.ssh ?? []).map(agent)),
    epoch: epoch(),
    cacheFrom: (flags.cacheFrom ?? []).flatMap(parseCacheFrom),
    cacheTo,
    image: (name, platform) => findBase(engine, name, platform, flags.pull === true),
    report,
    explains: flags.explain === true,
    warn: (text) => {
      view?.finish();
      stderr.write(text);
    },
  };
  if (flags.check === true) {
    const { text, count } = await checkBuild(request);
    stdout.write(text);
    context.exit(count > 0 ? 1 : 0);
    return;
  }
  if (flags.dryRun === true) {
    stdout.write(await explainBuild(request));
    return;
  }
  const perform = async (): Promise<readonly [Built, Written]> => {
    const built = await build(request);
    const written = await writeOutputs(engine, built, outputs, tags, report);
    await writeCaches(engine, built, request, report);
    return [built, written];
  };
  const [built, written] = await perform().finally(() => view?.finish());
  const { configDigest } = built.image;
  if (flags.iidfile !== undefined) writeFileSync(flags.iidfile, configDigest);
  if (flags.metadataFile !== undefined) writeMetadata(flags.metadataFile, built, written);
  // Of what is in no store there is no id.
  if (quiet && !isOnStdout(outputs)) stdout.write(`${written.digest === undefined ? '' : configDigest}\n`);
}

async function viewOf(progress: string): Promise<View> {
  switch (progress) {
    case 'auto':
    case 'tty': {
      if (!stderr.isTTY) {
        if (progress === 'tty') throw invalid('failed to get console: standard error is no terminal');
        return plainView((text) => stderr.write(text));
      }
      const { TerminalView } = await import('../../build/progress/terminal.ts');
      return new TerminalView(stderr);
    }
    case 'plain':
      return plainView((text) => stderr.write(text));
    case 'rawjson': {
      const { rawJsonView } = await import('../../build/progress/raw-json.ts');
      return rawJsonView((text) => stderr.write(text));
    }
    default:
      throw invalid(`invalid progress mode ${progress}: auto, plain, tty and rawjson are supported`);
  }
}

/** Without a word the image is kept. */
function outputsOf({ output = [], push = false, load = false }: BuildFlags): readonly Output[] {
  const given = output.map(parseOutput);
  const short: readonly Output[] = push
    ? [{ type: 'image', names: [], push: true }]
    : load || given.length === 0
      ? [{ type: 'image', names: [], push: false }]
      : [];
  if (push && given.some(({ type }) => type === 'local' || type === 'tar'))
    throw invalid('push and the outputs local and tar are not supported together');
  return [...given, ...short];
}

const isOnStdout = (outputs: readonly Output[]): boolean =>
  outputs.some((output) => 'dest' in output && output.dest === undefined);

const collectNegated = (value: string, before: true | readonly string[]): readonly string[] =>
  collect(value, before === true ? [] : before);

const findBase = (
  engine: Context['engine'],
  name: string,
  platform: string | undefined,
  pull: boolean,
): Promise<StoredImage> =>
  imageFor(
    engine,
    {
      image: name,
      args: ['/'],
      attachStdin: false,
      attachStdout: false,
      attachStderr: false,
      quiet: true,
      ...(platform === undefined ? {} : { platform }),
      ...(pull ? { pull: 'always' } : {}),
    },
    showPull,
  );

function runFlags({ network, addHost, shmSize, ulimit, cgroupParent }: BuildFlags): Partial<CreateRequest> {
  return {
    ...(network === undefined || network === 'default' ? {} : { network }),
    ...(addHost === undefined ? {} : { addHost }),
    ...(shmSize === undefined ? {} : { shmSize }),
    ...(ulimit === undefined ? {} : { ulimit }),
    ...(cgroupParent === undefined ? {} : { cgroupParent }),
  };
}

/** --network=host says it too, as with Docker. */
function allowsHostNetwork({ allow = [], network }: BuildFlags): boolean {
  for (const name of allow)
    if (name !== 'network.host') throw invalid(`--allow ${name} is not supported: network.host is`);
  return network === 'host' || allow.length > 0;
}
