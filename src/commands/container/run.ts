/** `run`: create, start, and unless detached stay tied to the container until it ends. */
import type { Command } from 'commander';
import { MinidockError } from '../../../runtime/errors.ts';
import { span } from '../../../runtime/trace.ts';
import { createContainer, draftContainer } from '../../engine/create.ts';
import { DEFAULT_DETACH_KEYS } from '../../io/detach-keys.ts';
import { refuseMissingTerminal, runForeground } from '../../engine/foreground.ts';
import { terminalSize } from '../../io/terminal-size.ts';
import { imageFor, type Fetch } from '../../engine/image-for.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { launchShim, shimLost, startDetached, fromWire } from '../../engine/start.ts';
import { signalContainer } from '../../engine/signal-process.ts';
import { parseSignal } from '../../engine/spec/signals.ts';
import { explainHow, explanationFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import type { Explanation } from '../../teach/explain/explanation.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { defineContainerFlags, toCreateRequest } from '../shared/container-flags.ts';
import type { ContainerFlags, CreateRequest } from '../../engine/spec/create-request.ts';
import { showPull } from '../shared/show-pull.ts';
import { showShimMessages } from '../shared/shim-messages.ts';
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
  const detached = flags.detach === true;
  if (detached && (flags.attach ?? []).length > 0) {
    throw new MinidockError({
      code: 'INVALID_FLAG',
      message: 'conflicting options: cannot specify both --attach and --detach',
      exitCode: 125,
    });
  }
  const { containers } = context.engine;
  const how = explainHow(flags);
  const request = toCreateRequest(image, args, flags, detached);
  if (flags.script === true) {
    if (how !== undefined) {
      throw new MinidockError({
        code: 'INVALID_FLAG',
        message:
          'conflicting options: --script explains its steps itself, without --explain, --dry-run and --step',
        exitCode: 125,
      });
    }
    warnDiscardedPorts(request);
    const stored = await imageFor(context.engine, request, showPull);
    const { printScript } = await import('../../teach/script/print-script.ts');
    await printScript(containers, { draft: draftContainer(containers, request, stored), request, detached });
    return 0;
  }
  if (flags.dryRun === true) {
    const stored = await imageFor(context.engine, request, fetchFor(flags));
    const { printDryRun, tellRefusal } = await import('../../teach/explain/dry-run.ts');
    const { config } = draftContainer(containers, request, stored);
    const taken = config.name === '' ? undefined : containers.names.refusalOf(config.name);
    if (taken !== undefined) tellRefusal(taken);
    await printDryRun(containers, config, how ?? 'full');
    return 0;
  }
  requireRoot('run');
  if (!detached && refuseMissingTerminal({ tty: flags.tty ?? false, stdin: flags.interactive ?? false }))
    return 1;
  const explanation = await explanationFor(flags);
  warnDiscardedPorts(request);
  const stored = await span('image', 'find the image', () =>
    imageFor(context.engine, request, fetchFor(flags)),
  );
  const config = await span('state', 'create', () => createContainer(containers, request, stored));
  if (!detached) {
    // Detached: prints the id.
    if (!request.attachStdout && !request.attachStderr) stdout.write(`${config.id}\n`);
    return runAttached(context, config.id, flags, request, explanation);
  }
  try {
    await span('wait', 'wait until it runs', () =>
      startDetached(containers.paths, config.id, {
        explain: explanation !== undefined,
        step: flags.step ?? false,
        forget: true,
        onMessage: showShimMessages(explanation),
      }),
    );
  } catch (error) {
    if ((error as { code?: string }).code === 'STOPPED') throw error;
    // After a failed start, Docker keeps the created container and prints its id.
    stdout.write(`${config.id}\n`);
    throw error;
  } finally {
    await explanation?.finished();
  }
  stdout.write(`${config.id}\n`);
  return 0;
}

/** How to pull a missing image: explained with --explain, not done with --dry-run. undefined: a normal pull. */
function fetchFor(flags: RunFlags): Fetch {
  const how = explainHow(flags);
  if (how === undefined) return showPull;
  return async (...fetched) => {
    const { explainPull, printPull } = await import('../../teach/explain/explain-pull.ts');
    return flags.dryRun === true ? printPull(...fetched, how) : (await explainPull(...fetched, how)).image;
  };
}

async function runAttached(
  context: Context,
  id: string,
  flags: RunFlags,
  request: CreateRequest,
  explanation: Explanation | undefined,
): Promise<number> {
  const { containers } = context.engine;
  const tty = flags.tty ?? false;
  const size = tty ? terminalSize() : undefined;
  const attach = {
    stdin: request.attachStdin,
    stdout: request.attachStdout,
    stderr: request.attachStderr,
  };
  const end = await span('wait', 'wait until it has ended', () =>
    runForeground(
      (handlers) =>
        launchShim(
          {
            id,
            ...containers.paths,
            explain: explanation !== undefined,
            step: flags.step ?? false,
            forget: true,
            attach,
            ...(size === undefined ? {} : { size }),
          },
          handlers,
        ),
      {
        tty,
        held: flags.step ?? false,
        stdin: attach.stdin,
        detachKeys: flags.detachKeys ?? DEFAULT_DETACH_KEYS,
        ...(flags.sigProxy === false || tty ? {} : { onSignal: (signal) => passSignal(context, id, signal) }),
      },
      showShimMessages(explanation),
    ),
  );
  await explanation?.finished();
  switch (end.kind) {
    case 'exited':
      return end.exitCode;
    case 'detached':
      return 0;
    case 'failed':
      throw fromWire(end.error);
    case 'lost':
      throw shimLost(containers.paths, id);
  }
}

function passSignal(context: Context, id: string, signal: NodeJS.Signals): void {
  const container = context.engine.containers.read(id);
  // Before the program runs there is nobody to pass it to; Docker drops it as well.
  if (container !== undefined && hasProgram(container.state)) signalContainer(container, parseSignal(signal));
}

function warnDiscardedPorts(request: CreateRequest): void {
  const mode = request.network ?? 'bridge';
  if ((request.publish ?? []).length > 0 && (mode === 'host' || mode === 'none')) {
    stderr.write(`WARNING: Published ports are discarded when using ${mode} network mode\n`);
  }
}
