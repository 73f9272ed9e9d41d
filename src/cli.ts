/**
 * Entry: dispatch only. The same binary is the command people type, the shim beside a container, its PID 1 before
 * exec, and the process that unpacks a layer; each loads nothing but its own modules, because starting up is most
 * of what a short command costs.
 */
import { span } from '../runtime/trace.ts';

async function main(argv: readonly string[]): Promise<void> {
  // The caller's mask is the caller's affair: what a container sees must not depend on it ("/" among it).
  process.umask(0o022);
  const [role, ...args] = argv;
  if (process.env['MINIDOCK_TRACE']) await startTrace(process.env['MINIDOCK_TRACE'], argv);
  switch (role) {
    case '__init': {
      const { runInit } = await import('../runtime/process/init.ts');
      return runInit(args[0] ?? '', args[1] ?? '');
    }
    case '__enter': {
      const { runEnter } = await import('../runtime/process/enter.ts');
      return runEnter(args[0] ?? '', args[1] ?? '');
    }
    case '__shim': {
      if (args[1] !== undefined) {
        const { resumeShim } = await span('start', 'load modules', () => import('./engine/shim/resume.ts'));
        return resumeShim(args[1]);
      }
      const { runShim } = await span('start', 'load modules', () => import('./engine/shim/main.ts'));
      return runShim();
    }
    case '__unpack': {
      const { runUnpack } = await span('start', 'load modules', () => import('./engine/unpack-child.ts'));
      return runUnpack();
    }
    case '__copy-volumes': {
      const { copyVolumes } = await span(
        'start',
        'load modules',
        () => import('./engine/volume-copy-child.ts'),
      );
      return copyVolumes(JSON.parse(args[0] ?? '') as Parameters<typeof copyVolumes>[0]);
    }
    default: {
      completePath();
      // Its start-up takes as long as all that is to be done here before it is needed.
      if (argv.includes('run')) (await import('./engine/shim-process.ts')).startShimEarly(argv);
      const { runCommandLine } = await span('start', 'load modules', () => import('./commands/program.ts'));
      const { stderr, stdout } = await import('./engine/standard-streams.ts');
      const code = await runCommandLine(argv);
      // An open stdin would keep the process; what was printed must be out before it goes.
      for (const stream of [stdout, stderr]) await stream.flushed();
      process.exit(code);
    }
  }
}

/** MINIDOCK_TRACE: a timeline of this process and those it starts. PID 1 and exec's process have no such variable. */
async function startTrace(path: string, [word = '', ...rest]: readonly string[]): Promise<void> {
  const { openTrace } = await import('./engine/trace-file.ts');
  const { complain } = await import('./engine/complain.ts');
  const name =
    word === '__shim' ? `shim ${/"id":"(\w{12})/.exec(rest[0] ?? '')?.[1] ?? ''}` : `minidock ${word}`;
  openTrace(path, name, [word, ...rest], ({ message }) => {
    // What keeps its shim from writing there keeps the command from it too, and that one tells.
    if (word !== '__shim') complain(`minidock: MINIDOCK_TRACE: ${message}`);
  });
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

main(process.argv.slice(2)).catch(async (error: unknown) => {
  // Only the program's own faults get here: expected errors are printed by the command line's edge.
  const { complain } = await import('./engine/complain.ts');
  // Exits at once: a shim's open connections would keep it, and whoever waits for it, for ever.
  complain(
    `minidock: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  process.exit(125);
});
