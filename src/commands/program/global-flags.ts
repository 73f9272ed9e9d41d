/**
 * Flags that stand before the verb, Docker's among them, for those whose `docker` is an alias of `minidock`. minidock
 * refuses a flag that it cannot honour: without a daemon, -H may only name Docker's socket on this machine.
 */
import { MinidockError } from '../../../runtime/errors.ts';

/** As they are listed by --help. */
export const GLOBAL_FLAGS = [
  ['--root <dir>', 'Where images and containers are kept (MINIDOCK_ROOT)'],
  ['--run <dir>', 'Where the state of running containers is kept (MINIDOCK_RUN)'],
  ['-D, --debug', 'Print on standard error what the command does, and how long each part takes'],
  [
    '-l, --log-level <level>',
    'Set the logging level: debug means -D; info, warn, error and fatal change nothing',
  ],
  ['-H, --host <socket>', 'Accepted only for this machine: unix:///var/run/docker.sock'],
] as const;

export interface Globals {
  readonly root?: string;
  readonly run?: string;
  readonly debug?: boolean;
  readonly logLevel?: string;
  readonly host?: string;
}

/** How many of the words are global flags and their values. */
export function countGlobals(argv: readonly string[]): number {
  let index = 0;
  while (argv[index]?.startsWith('-') === true) {
    index += takesNext(argv[index] as string) ? 2 : 1;
  }
  return Math.min(index, argv.length);
}

/** `-H X`, `-DH X`; not `-HX`, `-H=X`, `--host=X`, nor `--debug`. */
const takesNext = (word: string): boolean => /^(--(root|run|host|log-level)|-[Dv]*[Hl])$/.test(word);

/** Checks and applies them before anything is done. @throws MinidockError 'NO_DAEMON', 'INVALID_FLAG'. */
export async function heedGlobals({ debug, logLevel, host }: Globals): Promise<void> {
  if (host !== undefined) refuseOtherHosts(host);
  if (logLevel !== undefined && !['debug', 'info', 'warn', 'error', 'fatal'].includes(logLevel)) {
    throw new MinidockError({
      code: 'INVALID_FLAG',
      message: `Unable to parse logging level: ${logLevel}`,
      hint: 'It is one of debug, info, warn, error and fatal.',
      exitCode: 1,
    });
  }
  if (debug === true || logLevel === 'debug') (await import('./debug.ts')).tellDebug();
}

function refuseOtherHosts(host: string): void {
  if (/^unix:\/\/(\/(var\/)?run\/docker\.sock)?$/.test(host)) return;
  throw new MinidockError({
    code: 'NO_DAEMON',
    message: `-H ${host} names a daemon, and minidock has none: it works on the containers of this machine`,
    hint: 'Leave -H out; for another machine, run minidock there: ssh MACHINE minidock …',
  });
}
