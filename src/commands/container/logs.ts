/** `logs` */
import { MinidockError } from '../../../runtime/errors.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { readLogs } from '../../engine/logs.ts';
import { parseInstant } from '../../ui/time.ts';
import { invalidArgument } from '../../engine/spec/flag-errors.ts';
import { nowNs } from '../../engine/spec/time.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import type { Verb } from '../shared/verb.ts';

interface LogsFlags {
  readonly follow?: boolean;
  readonly tail: string;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps?: boolean;
  readonly details?: boolean;
}

export const logs: Verb = {
  startsLean: true,
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] CONTAINER')
      .argument('<container>')
      .option('--details', 'Show extra details provided to logs')
      .option('-f, --follow', 'Follow log output')
      .option('-n, --tail <string>', 'Number of lines to show from the end of the logs', 'all')
      .option('--since <string>', 'Show logs since timestamp or relative (e.g. "42m" for 42 minutes)')
      .option('--until <string>', 'Show logs before a timestamp or relative (e.g. "42m" for 42 minutes)')
      .option('-t, --timestamps', 'Show timestamps')
      .action(async (name: string, flags: LogsFlags) => {
        const container = await findContainer(engine.containers, name);
        if (container.config.spec.log?.driver === 'none') throw notReadable();
        const now = nowNs();
        const instant = (flag: string, text: string | undefined): bigint | undefined =>
          text === undefined ? undefined : parseInstant(text, now, flag);
        await readLogs(
          engine.containers,
          container,
          {
            follow: flags.follow ?? false,
            tail: parseTail(flags.tail),
            since: instant('since', flags.since),
            // Docker takes 0 for no limit.
            until: flags.until === '0' ? undefined : instant('until', flags.until),
            timestamps: flags.timestamps ?? false,
            ...(flags.details === true
              ? { details: (await import('../../docker/log-details.ts')).logDetails(container.config) }
              : {}),
          },
          (stream, bytes) => (stream === 1 ? stdout : stderr).write(bytes),
        );
      });
  },
};

const notReadable = (): MinidockError =>
  new MinidockError({
    code: 'NO_LOG',
    message: 'configured logging driver does not support reading',
    hint: 'The container was made with --log-driver none.',
  });

function parseTail(text: string): number | undefined {
  if (text === 'all' || text.startsWith('-')) return undefined;
  if (!/^\d+$/.test(text)) throw invalidArgument(text, '-n, --tail', 'must be "all" or a number of lines');
  return Number(text);
}
