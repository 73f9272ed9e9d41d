/** `run`: create, start, and unless detached stay tied to the container until it ends. */
import type { Command } from 'commander';
import { MinidockError } from '../../../runtime/errors.ts';
import { span } from '../../../runtime/trace.ts';
import { createContainer, draftContainer, withKnownVolumes } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { DEFAULT_DETACH_KEYS } from '../../io/detach-keys.ts';
import { refuseMissingTerminal } from '../../engine/foreground.ts';
import { imageFor, withMountedImages, type Fetch } from '../../engine/images/image-for.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { containerEvent } from '../../engine/state/events/events.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { startDetached, type StartOptions } from '../../engine/start.ts';
import { startAttached } from '../../engine/start-attached.ts';
import { signalContainer } from '../../engine/signal-process.ts';
import { parseSignal } from '../../engine/spec/signals.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { shimReporterFor, inMode, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import type { ShimReporter } from '../../teach/explain/shim-reporter.ts';
import type { ExplainHow } from '../../teach/explain/how.ts';
import { defineExplainFlags, showShimMessages } from '../shared/explain-options.ts';
import { defineContainerFlags, toCreateRequest } from '../shared/container-flags.ts';
import type { ContainerFlags, CreateRequest } from '../../engine/spec/create-request.ts';
import { showPull } from '../shared/show-pull.ts';
import type { Context, Verb } from '../shared/verb.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import { hasProgram } from '../../engine/spec/container.ts';

interface RunFlags extends ContainerFlags, ExplainFlags {
  readonly detach?: boolean;
  readonly detachKeys?: string;
  readonly sigProxy?: boolean;
  readonly script?: boolean;
}

export const run: Verb = {
  configure(command, context) {
    defineRunFlags(command);
    command.action(async (image: string, args: readonly string[], flags: RunFlags) => {
      context.exit(await runContainer(context, image, args, flags));
    });
  },
};

function defineRunFlags(command: Command): void {
  command
    .usage('[OPTIONS] IMAGE [COMMAND] [ARG...]')
    .argument('<image>')
    .argument('[args...]')
    .passThroughOptions();
  defineContainerFlags(command);
  command
    .option('-d, --detach', 'Run container in background and print container ID')
    .option(
      '--detach-keys <string>',
      'Override the key sequence for detaching a container',
      DEFAULT_DETACH_KEYS,
    )
    .option('--no-sig-proxy', 'Do not proxy received signals to the process')
    .option('--script', 'Print a bash script that makes the same container without minidock');
  defineExplainFlags(command, { dryRun: true, step: true });
}

async function runContainer(
  context: Context,
  image: string,
  args: readonly string[],
  flags: RunFlags,
): Promise<number> {
  const { engine } = context;
  const { containers } = engine;
  const detached = flags.detach === true;
  if (detached && (flags.attach ?? []).length > 0) {
    throw new MinidockError({
      code: 'INVALID_FLAG',
      message: 'conflicting options: cannot specify both --attach and --detach',
      exitCode: 125,
    });
  }
  const request = await withMountedImages(engine, toCreateRequest(image, args, flags, detached));
  return inMode(flags, {
    script: async () => {
      warnDiscardedPorts(request);
      const stored = await imageFor(engine, request, showPull);
      const draft = withKnownVolumes(containers, draftContainer(containers, request, stored));
      const { printScript } = await import('../../teach/script/print-script.ts');
      await printScript(containers, { draft, request, detached });
      return 0;
    },
    dryRun: async (how) => {
      const stored = await imageFor(engine, request, async (...fetched) => {
        const { printPull } = await import('../../teach/explain/explain-pull.ts');
        return printPull(...fetched, how);
      });
      const { printRun } = await import('../../teach/explain/dry-run.ts');
      const { config } = withKnownVolumes(containers, draftContainer(containers, request, stored));
      await printRun(containers, config, how);
      return 0;
    },
    perform: (how) => perform(context, request, flags, how),
  });
}

async function perform(
  context: Context,
  request: CreateRequest,
  flags: RunFlags,
  how: ExplainHow | undefined,
): Promise<number> {
  requireRoot('run');
  const { tty = false, interactive = false, detach = false, step = false } = flags;
  if (!detach && refuseMissingTerminal({ tty, stdin: interactive })) return 1;
  const { engine, shim } = context;
  const reporter = await shimReporterFor(flags);
  warnDiscardedPorts(request);
  const stored = await span('image', 'find the image', () => imageFor(engine, request, fetchFor(how)));
  const config = await span('state', 'create', () =>
    createContainer(engine.containers, request, stored, shim?.id),
  );
  const { id } = config;
  const start: StartOptions = {
    shim,
    explain: reporter !== undefined,
    step,
    forget: true,
    onMessage: showShimMessages(reporter),
  };
  if (detach) return startInBackground(engine.paths, id, start, reporter);
  // Without the container's output, prints the id.
  if (!request.attachStdout && !request.attachStderr) stdout.write(`${id}\n`);
  recordEvent(engine.paths, containerEvent(config, 'attach'));
  const { attachStdin, attachStdout, attachStderr } = request;
  try {
    return await span('wait', 'wait until it has ended', () =>
      startAttached(engine.paths, id, {
        ...start,
        attach: { stdin: attachStdin, stdout: attachStdout, stderr: attachStderr },
        tty,
        detachKeys: flags.detachKeys ?? DEFAULT_DETACH_KEYS,
        ...(flags.sigProxy === false || tty ? {} : { onSignal: (signal) => passSignal(engine, id, signal) }),
      }),
    );
  } finally {
    await reporter?.finished();
  }
}

async function startInBackground(
  paths: Paths,
  id: string,
  start: StartOptions,
  reporter: ShimReporter | undefined,
): Promise<number> {
  try {
    await span('wait', 'wait until it runs', () => startDetached(paths, id, start));
  } catch (error) {
    if ((error as { code?: string }).code === 'STOPPED') throw error;
    // After a failed start, Docker keeps the created container and prints its id.
    stdout.write(`${id}\n`);
    throw error;
  } finally {
    await reporter?.finished();
  }
  stdout.write(`${id}\n`);
  return 0;
}

/** How to pull a missing image: explained with --explain. */
function fetchFor(how: ExplainHow | undefined): Fetch {
  if (how === undefined) return showPull;
  return async (...fetched) => {
    const { explainPull } = await import('../../teach/explain/explain-pull.ts');
    return (await explainPull(...fetched, how)).image;
  };
}

function passSignal({ containers }: Engine, id: string, signal: NodeJS.Signals): void {
  const container = containers.read(id);
  // Before the program runs there is nobody to pass it to; Docker drops it as well.
  if (container !== undefined && hasProgram(container.state))
    signalContainer(containers, container, parseSignal(signal));
}

function warnDiscardedPorts(request: CreateRequest): void {
  const mode = request.network ?? 'bridge';
  if ((request.publish ?? []).length > 0 && (mode === 'host' || mode === 'none')) {
    stderr.write(`WARNING: Published ports are discarded when using ${mode} network mode\n`);
  }
}
