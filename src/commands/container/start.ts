/** `start`: run a container again, or for the first time after `create`. */
import { MinidockError } from '../../../runtime/errors.ts';
import { DEFAULT_DETACH_KEYS } from '../../io/detach-keys.ts';
import { runForeground } from '../../engine/foreground.ts';
import { terminalSize } from '../../io/terminal-size.ts';
import { isActive, type ContainerState } from '../../engine/spec/container.ts';
import { startContainer } from '../../engine/lifecycle.ts';
import { findContainer } from '../../engine/refresh.ts';
import { recover } from '../../engine/recovery.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { fromWire, launchShim, shimLost } from '../../engine/start.ts';
import { explainHow, explanationFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { forEachInTurn } from '../shared/each.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { showShimMessages } from '../shared/shim-messages.ts';
import type { Context, Verb } from '../shared/verb.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';

interface StartFlags extends ExplainFlags {
  readonly attach?: boolean;
  readonly interactive?: boolean;
  readonly detachKeys: string;
}

export const start: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] CONTAINER [CONTAINER...]')
      .argument('<containers...>')
      .option('-a, --attach', 'Attach STDOUT/STDERR and forward signals')
      .option('-i, --interactive', "Attach container's STDIN")
      .option(
        '--detach-keys <string>',
        'Override the key sequence for detaching a container',
        DEFAULT_DETACH_KEYS,
      )
      .action(async (names: readonly string[], flags: StartFlags) => {
        requireRoot('start');
        // Wrong flags are wrong for all names.
        if (flags.dryRun === true) explainHow(flags);
        else await explanationFor(flags);
        const attached = flags.attach === true || flags.interactive === true;
        if (attached && names.length > 1)
          throw new MinidockError({
            code: 'INVALID_FLAG',
            message: 'you cannot start and attach multiple containers at once',
          });
        if (flags.dryRun === true) return printAll(context, names, flags, attached);
        const [name] = names;
        if (attached && name !== undefined) {
          context.exit(await startAttached(context, name, flags));
          return;
        }
        for (const name of names) {
          try {
            await startOne(context, name, flags);
            stdout.write(`${name}\n`);
          } catch (error) {
            await context.report(error);
          }
        }
      });
    defineExplainFlags(command, { dryRun: true, step: true });
  },
};

async function printAll(
  context: Context,
  names: readonly string[],
  flags: StartFlags,
  attached: boolean,
): Promise<void> {
  const how = explainHow(flags) ?? 'full';
  const [{ printDryRun }, { sayNothing }] = await Promise.all([
    import('../../teach/explain/dry-run.ts'),
    import('../../teach/explain/teller.ts'),
  ]);
  const { containers } = context.engine;
  await forEachInTurn(context, names, async (name) => {
    const { config, state } = await findContainer(containers, name);
    refuseIfPaused(state);
    if (!isActive(state)) await printDryRun(containers, config, how);
    else if (attached) throw alreadyRunning(name);
    else sayNothing(stdout, how, `container ${name} is running already`);
    return undefined;
  });
}

async function startOne({ engine }: Context, name: string, flags: StartFlags): Promise<void> {
  const container = await findContainer(engine.containers, name);
  refuseIfPaused(container.state);
  if (isActive(container.state)) {
    const how = explainHow(flags);
    if (how === undefined) return;
    const { sayNothing } = await import('../../teach/explain/teller.ts');
    return sayNothing(stderr, how, `container ${name} is running already`);
  }
  const explanation = await explanationFor(flags);
  try {
    await startContainer(engine.containers, container, {
      explain: explanation !== undefined,
      step: flags.step ?? false,
      onMessage: showShimMessages(explanation),
    });
  } finally {
    await explanation?.finished();
  }
}

function refuseIfPaused({ status }: ContainerState): void {
  if (status !== 'paused') return;
  throw new MinidockError({
    code: 'WRONG_STATE',
    message: 'cannot start a paused container, try unpause instead',
  });
}

const alreadyRunning = (name: string): MinidockError =>
  new MinidockError({
    code: 'ALREADY_RUNNING',
    message: `container ${name} is already running`,
    hint: `minidock attach ${name} attaches to it.`,
  });

async function startAttached({ engine }: Context, name: string, flags: StartFlags): Promise<number> {
  const { config, state } = await findContainer(engine.containers, name);
  refuseIfPaused(state);
  if (isActive(state)) throw alreadyRunning(name);
  const explanation = await explanationFor(flags);
  await recover(engine.containers, config.id);
  const stdin = flags.interactive === true && config.spec.openStdin;
  const size = config.spec.tty ? terminalSize() : undefined;
  const end = await runForeground(
    (handlers) =>
      launchShim(
        {
          id: config.id,
          ...engine.paths,
          explain: explanation !== undefined,
          step: flags.step ?? false,
          attach: { stdin, stdout: true, stderr: true },
          ...(size === undefined ? {} : { size }),
        },
        handlers,
      ),
    { tty: config.spec.tty, stdin, detachKeys: flags.detachKeys, held: flags.step ?? false },
    showShimMessages(explanation),
  );
  await explanation?.finished();
  if (end.kind === 'failed') throw fromWire(end.error);
  if (end.kind === 'lost') throw shimLost(engine.paths, config.id);
  return end.kind === 'exited' ? end.exitCode : 0;
}
