/** `attach`: to a running container's own streams. */
import { MinidockError } from '../../../runtime/errors.ts';
import { DEFAULT_DETACH_KEYS } from '../../io/detach-keys.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { containerEvent } from '../../engine/state/events/events.ts';
import { refuseMissingTerminal, runForeground } from '../../engine/foreground.ts';
import { signalContainer } from '../../engine/signal-process.ts';
import { findContainer } from '../../engine/reconcile.ts';
import type { ContainerState } from '../../engine/spec/container.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { connectShim } from '../../engine/shim/client/shim-client.ts';
import { parseSignal } from '../../engine/spec/signals.ts';
import type { Verb } from '../shared/verb.ts';
import { stderr } from '../../io/standard-streams.ts';

function cannotAttach(name: string, { status }: ContainerState): MinidockError {
  const [message, hint] =
    status === 'paused'
      ? ['You cannot attach to a paused container, unpause it first', `minidock unpause ${name}`]
      : status === 'restarting'
        ? ['You cannot attach to a restarting container, wait until it is running', `minidock logs ${name}`]
        : ['You cannot attach to a stopped container, start it first', `minidock start -a ${name}`];
  return new MinidockError({ code: 'NOT_RUNNING', message, hint });
}

interface AttachFlags {
  readonly detachKeys: string;
  readonly stdin: boolean;
  readonly sigProxy: boolean;
}

export const attach: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] CONTAINER')
      .argument('<container>')
      .option(
        '--detach-keys <string>',
        'Override the key sequence for detaching a container',
        DEFAULT_DETACH_KEYS,
      )
      .option('--no-stdin', 'Do not attach STDIN')
      .option('--no-sig-proxy', 'Do not proxy received signals to the process')
      .action(async (name: string, flags: AttachFlags) => {
        requireRoot('attach');
        const { containers } = context.engine;
        const container = await findContainer(containers, name);
        if (container.state.status !== 'running') throw cannotAttach(name, container.state);
        const { tty, openStdin } = container.config.spec;
        const stdin = flags.stdin && openStdin;
        if (refuseMissingTerminal({ tty, stdin })) {
          context.exit(1);
          return;
        }
        recordEvent(containers.paths, containerEvent(container.config, 'attach'));
        const end = await runForeground(
          (handlers) => {
            const connection = connectShim(containers.paths, container.config.id, handlers);
            connection.send({ type: 'attach', stdin, stdout: true, stderr: true });
            return connection;
          },
          {
            tty,
            stdin,
            redraw: true,
            detachKeys: flags.detachKeys,
            ...(flags.sigProxy && !tty
              ? { onSignal: (signal) => signalContainer(containers, container, parseSignal(signal)) }
              : {}),
          },
        );
        if (end.kind === 'exited') context.exit(end.exitCode);
        if (end.kind !== 'detached') return;
        recordEvent(containers.paths, containerEvent(container.config, 'detach'));
        stderr.write('read escape sequence\n');
      });
  },
};
