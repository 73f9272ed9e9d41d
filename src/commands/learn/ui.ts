/** `ui`: one page on loopback that shows containers, networks and lessons as they happen. It ends with its terminal. */
import { fstatSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import { version } from '../../io/version.ts';
import type { Verb } from '../shared/verb.ts';

interface Flags {
  readonly allowActions?: boolean;
  readonly port?: string;
}

export const ui: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS]')
      .option('--allow-actions', 'Let the page act on this machine too, not in labs only')
      .option('--port <port>', 'Port on 127.0.0.1 (default: a free one)')
      .action(async ({ allowActions = false, port }: Flags) => {
        requireRoot('ui');
        const [{ servePage }, { readFiles }] = await Promise.all([
          import('../../page/server/serve.ts'),
          import('../../page/server/files.ts'),
        ]);
        const server = servePage({
          paths: context.engine.paths,
          files: readFiles(),
          version,
          actions: allowActions,
          port: portOf(port),
        });
        stdout.write(`${server.address}\n`);
        if (stdout.isTTY) {
          stdout.write(
            'Open this address in a browser on this machine. Ctrl-C ends the page and its labs.\n',
          );
        }
        await untilOver();
        await server.close();
        context.exit(0);
      });
  },
};

/** A signal (a terminal that closes sends SIGHUP), or the end of a pipe at standard input. */
function untilOver(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
    const input = fstatSync(0);
    if (!input.isFIFO() && !input.isSocket()) return;
    process.stdin
      .on('end', () => resolve())
      .on('error', () => resolve())
      .resume();
  });
}

/** @throws MinidockError 'INVALID_FLAG'. */
function portOf(word: string | undefined): number {
  if (word === undefined) return 0;
  const port = Number(word);
  if (/^\d+$/.test(word) && port > 0 && port < 65_536) return port;
  throw new MinidockError({ code: 'INVALID_FLAG', message: `invalid port "${word}"`, exitCode: 125 });
}
