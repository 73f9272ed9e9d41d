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
  // Its start-up takes as long as all that is to be done here before it is needed.
  if (argv.includes('run')) (await import('./engine/shim/client/shim-process.ts')).startShimEarly(argv);
  const { runCommandLine } = await span(
    'start',
    'load modules',
    () => import('./commands/program/program.ts'),
  );
  const code = await runCommandLine(argv);
  // An open stdin would keep the process; what was printed must be out before it goes.
  for (const stream of [stdout, stderr]) await stream.flushed();
  process.exit(code);
}

/**
 * Root's programs are found also where `su`, cron or a bare environment left root without a path to them. One that
 * names none of the system's directories was meant that way.
 */
function completePath(): void {
  const path = process.env['PATH'] ?? '';
  const system = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const given = path.split(':').filter((directory) => directory !== '');
  if (given.length > 0 && !given.includes('/usr/bin')) return;
  process.env['PATH'] = [...given, ...system.filter((directory) => !given.includes(directory))].join(':');
}
