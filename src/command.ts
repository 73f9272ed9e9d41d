/** The process of a command that people type, from its words to its exit status. */
import { span } from '../runtime/trace.ts';
import { stderr, stdout } from './io/standard-streams.ts';

export async function runCommand(argv: readonly string[]): Promise<void> {
  const [word = ''] = argv;
  if (process.env['MINIDOCK_TRACE']) {
    const { startTrace } = await import('./io/start-trace.ts');
    startTrace(`minidock ${word}`, argv);
  }
  completePath();
  const shim = mayStart(argv)
    ? (await import('./engine/shim/client/shim-process.ts')).startShimAhead()
    : undefined;
  const { runCommandLine } = await span(
    'start',
    'load modules',
    () => import('./commands/program/program.ts'),
  );
  const code = await runCommandLine(argv, shim);
  // An open stdin would keep the process; the output must be flushed first.
  for (const stream of [stdout, stderr]) await stream.flushed();
  process.exit(code);
}

/**
 * Whether a command line most likely starts a new container. Its shim takes as long to start up as all that comes before
 * it is needed: started once `run` knows its flags, it would make a run 8 ms longer.
 */
function mayStart(argv: readonly string[]): boolean {
  const run = argv[0] === 'run' || (argv[0] === 'container' && argv[1] === 'run');
  const starts = run && !['--help', '--dry-run', '--script'].some((flag) => argv.includes(flag));
  return starts && process.geteuid?.() === 0;
}

/**
 * Adds the system's directories to root's PATH, which `su`, cron or a bare environment may have cut. A PATH without
 * any of them is intentional.
 */
function completePath(): void {
  const path = process.env['PATH'] ?? '';
  const system = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const given = path.split(':').filter((directory) => directory !== '');
  if (given.length > 0 && !given.includes('/usr/bin')) return;
  process.env['PATH'] = [...given, ...system.filter((directory) => !given.includes(directory))].join(':');
}
