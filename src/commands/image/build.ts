/** `build`: an image of a Dockerfile. */
import { readFileSync, writeFileSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import type { StoredImage } from '../../../images/types.ts';
import { build, explainBuild, type BuildRequest } from '../../build/build.ts';
import { plainView } from '../../build/progress/plain.ts';
import type { CreateRequest } from '../../engine/spec/create-request.ts';
import { imageFor } from '../../engine/images/image-for.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import { showPull } from '../shared/show-pull.ts';
import { collect, type Context, type Verb } from '../shared/verb.ts';

interface BuildFlags {
  readonly tag?: readonly string[];
  readonly file?: string;
  readonly buildArg?: readonly string[];
  readonly target?: string;
  readonly platform?: string;
  readonly cache: boolean;
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
  readonly dryRun?: boolean;
}

export const buildImage: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] PATH | -')
      .argument('<context>')
      .option('-t, --tag <name>', 'Name and optionally a tag (format: "name:tag")', collect)
      .option('-f, --file <file>', 'Name of the Dockerfile (default: "PATH/Dockerfile")')
      .option('--build-arg <list>', 'Set build-time variables', collect)
      .option('--target <stage>', 'Set the target build stage to build')
      .option('--platform <platform>', "Set target platform: this machine's")
      .option('--no-cache', 'Do not use cache when building the image')
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
      .option('--progress <kind>', 'Type of progress output: auto, plain', 'auto')
      .option('--load', 'Keep the image in the store, as always')
      .option('--dry-run', 'Show the stages and what each instruction would do')
      .action(async (path: string, flags: BuildFlags) => {
        requireRoot('build');
        await perform(context, path, flags);
      });
  },
};

async function perform({ engine }: Context, path: string, flags: BuildFlags): Promise<void> {
  const { quiet = false, progress = 'auto' } = flags;
  if (!['auto', 'plain'].includes(progress))
    throw invalid(`--progress ${progress} is not supported: auto and plain are`);
  const view = quiet ? undefined : plainView((text) => stderr.write(text));
  const request: BuildRequest = {
    engine,
    context: path,
    file: flags.file,
    tags: flags.tag ?? [],
    labels: Object.fromEntries(pairs(flags.label ?? [])),
    buildArgs: new Map(buildArgs(flags.buildArg ?? [])),
    target: flags.target,
    platform: flags.platform,
    useCache: flags.cache,
    runFlags: runFlags(flags),
    allowsHostNetwork: allowsHostNetwork(flags),
    secrets: new Map((flags.secret ?? []).map(secret)),
    ssh: new Map((flags.ssh ?? []).map(agent)),
    epoch: epoch(),
    image: (name, platform) => findBase(engine, name, platform, flags.pull === true),
    onEvent: (event) => view?.event(event),
    warn: (text) => stderr.write(text),
  };
  if (flags.dryRun === true) {
    stdout.write(await explainBuild(request));
    return;
  }
  const { id } = await build(request);
  view?.finish();
  if (flags.iidfile !== undefined) writeFileSync(flags.iidfile, id);
  if (quiet) stdout.write(`${id}\n`);
  else for (const tag of flags.tag ?? []) stderr.write(`naming to ${tag} done (${id.slice(7, 19)})\n`);
}

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

const pairs = (words: readonly string[]): readonly (readonly [string, string])[] =>
  words.map((word) => {
    const equals = word.indexOf('=');
    return equals < 0 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)];
  });

/** A name alone takes the value of the environment, if there is one. */
const buildArgs = (words: readonly string[]): readonly (readonly [string, string])[] =>
  words.flatMap((word): readonly (readonly [string, string])[] => {
    if (word.includes('=')) return pairs([word]);
    const value = process.env[word];
    return value === undefined ? [] : [[word, value]];
  });

/** `id=x,src=FILE` or `id=x,env=NAME`. */
function secret(text: string): readonly [string, () => Buffer] {
  const fields = new Map(pairs(text.split(',')));
  const id = fields.get('id');
  if (id === undefined || id === '') throw invalid(`--secret "${text}" has no id`);
  const [file, variable] = [fields.get('src') ?? fields.get('source'), fields.get('env')];
  if (file !== undefined) return [id, () => readFileSync(file)];
  const name = variable ?? id;
  const value = process.env[name];
  if (value !== undefined) return [id, () => Buffer.from(value)];
  if (variable !== undefined) throw invalid(`--secret "${text}": the variable ${name} is not set`);
  return [id, () => readFileSync(id)];
}

function agent(text: string): readonly [string, string] {
  const [id = 'default', given] = text.split('=', 2);
  const socket = given ?? process.env['SSH_AUTH_SOCK'];
  if (socket === undefined || socket === '') throw invalid(`--ssh ${text}: SSH_AUTH_SOCK is not set`);
  return [id, socket];
}

function epoch(): number | undefined {
  const text = process.env['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,11}$/.test(text)) throw invalid(`SOURCE_DATE_EPOCH=${text} is not a number of seconds`);
  return Number(text);
}

const invalid = (message: string): MinidockError =>
  new MinidockError({ code: 'INVALID_FLAG', message, exitCode: 125 });
