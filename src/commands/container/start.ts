/** `start`: run a container again, or for the first time after `create`. */
import { MinidockError } from '../../../runtime/errors.ts';
import { DEFAULT_DETACH_KEYS } from '../../io/detach-keys.ts';
import { isActive, type ContainerState } from '../../engine/spec/container.ts';
import { startContainer } from '../../engine/lifecycle.ts';
import { startAttached } from '../../engine/start-attached.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { recover } from '../../engine/recovery.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { containerEvent } from '../../engine/state/events/events.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { explainHow, shimReporterFor, inMode, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import type { ExplainHow } from '../../teach/explain/how.ts';
import { forEachInTurn } from '../shared/each.ts';
import { defineExplainFlags, showShimMessages } from '../shared/explain-options.ts';
import type { Context, Verb } from '../shared/verb.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';

export interface StartFlags extends ExplainFlags {
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
        const attached = flags.attach === true || flags.interactive === true;
        await inMode(flags, {
          dryRun: async (how) => {
            refuseSeveral(names, attached);
            await printAll(context, names, how, attached);
          },
          perform: async () => {
            // Wrong flags are wrong for all names.
            await shimReporterFor(flags);
            refuseSeveral(names, attached);
            const [name] = names;
            if (attached && name !== undefined) context.exit(await attachOne(context, name, flags));
            else await startAll(context, names, flags);
          },
        });
      });
    defineExplainFlags(command, { dryRun: true, step: true });
  },
};

function refuseSeveral(names: readonly string[], attached: boolean): void {
  if (!attached || names.length === 1) return;
  throw new MinidockError({
    code: 'INVALID_FLAG',
    message: 'you cannot start and attach multiple containers at once',
  });
}

/** One after the other; one that cannot be started does not keep the others from it. */
export async function startAll(context: Context, names: readonly string[], flags: StartFlags): Promise<void> {
  for (const name of names) {
    try {
      await startOne(context, name, flags);
      stdout.write(`${name}\n`);
    } catch (error) {
      await context.report(error);
    }
  }
}

export async function printAll(
  context: Context,
  names: readonly string[],
  how: ExplainHow,
  attached: boolean,
): Promise<void> {
  const [{ printDryRun }, { sayNothing }] = await Promise.all([
    import('../../teach/explain/dry-run.ts'),
    import('../../teach/explain/step-printer.ts'),
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
    const { sayNothing } = await import('../../teach/explain/step-printer.ts');
    return sayNothing(stderr, how, `container ${name} is running already`);
  }
  const reporter = await shimReporterFor(flags);
  try {
    await startContainer(engine.containers, container, {
      explain: reporter !== undefined,
      step: flags.step ?? false,
      onMessage: showShimMessages(reporter),
    });
  } finally {
    await reporter?.finished();
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

async function attachOne({ engine }: Context, name: string, flags: StartFlags): Promise<number> {
  const { config, state } = await findContainer(engine.containers, name);
  refuseIfPaused(state);
  if (isActive(state)) throw alreadyRunning(name);
  const reporter = await shimReporterFor(flags);
  await recover(engine.containers, config.id);
  recordEvent(engine.paths, containerEvent(config, 'attach'));
  const stdin = flags.interactive === true && config.spec.openStdin;
  try {
    return await startAttached(engine.paths, config.id, {
      explain: reporter !== undefined,
      step: flags.step ?? false,
      attach: { stdin, stdout: true, stderr: true },
      tty: config.spec.tty,
      detachKeys: flags.detachKeys,
      onMessage: showShimMessages(reporter),
    });
  } finally {
    await reporter?.finished();
  }
}
