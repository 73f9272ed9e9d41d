/** `stop` and `restart`: signal, grace, SIGKILL. */
import type { Command } from 'commander';
import { parseInteger } from '../../engine/spec/flag-errors.ts';
import { startContainer } from '../../engine/lifecycle.ts';
import { stopContainer } from '../../engine/stop.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { containerEvent } from '../../engine/state/events/events.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { explainHow, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { forEachInTurn, forEachName } from '../shared/each.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import type { Verb } from '../shared/verb.ts';

interface StopFlags extends ExplainFlags {
  readonly signal?: string;
  readonly time?: string;
  readonly timeout?: string;
}

function defineStopFlags(command: Command): void {
  command
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .argument('<containers...>')
    .option('-s, --signal <string>', 'Signal to send to the container')
    .option('-t, --time <int>', 'Seconds to wait before killing the container')
    .option('--timeout <int>', 'The same, as newer versions of Docker spell it');
}

function stopOptions(flags: StopFlags): { signal?: string; timeout?: number } {
  const timeout = parseInteger(flags.time ?? flags.timeout, '-t, --time');
  return {
    ...(flags.signal === undefined ? {} : { signal: flags.signal }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

export const stop: Verb = {
  configure(command, context) {
    defineStopFlags(command);
    defineExplainFlags(command, { dryRun: true });
    command.action(async (names: readonly string[], flags: StopFlags) => {
      requireRoot('stop');
      const { containers } = context.engine;
      const options = stopOptions(flags);
      if (explainHow(flags) !== undefined) {
        const { explainStop } = await import('../../teach/explain/explain-stop.ts');
        return forEachInTurn(context, names, (name) => explainStop(containers, name, options, flags));
      }
      await forEachName(
        context,
        names,
        async (name) => {
          await stopContainer(containers, await findContainer(containers, name), options);
          return name;
        },
        'Stopping',
      );
    });
  },
};

export const restart: Verb = {
  configure(command, context) {
    defineStopFlags(command);
    command.action(async (names: readonly string[], flags: StopFlags) => {
      requireRoot('restart');
      const { containers } = context.engine;
      const options = stopOptions(flags);
      await forEachName(
        context,
        names,
        async (name) => {
          const container = await findContainer(containers, name);
          await stopContainer(containers, container, options);
          await startContainer(containers, container);
          recordEvent(containers.paths, containerEvent(container.config, 'restart'));
          return name;
        },
        'Restarting',
      );
    });
  },
};
