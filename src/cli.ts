/**
 * Entry: dispatch only. The same binary is the command people type, the shim beside a container, its PID 1 before
 * exec, and the process that unpacks a layer, and more; each loads nothing but its own modules, because starting up is most
 * of what a short command costs. Nothing is shared between them, so each can be compiled by itself (scripts/compile.ts).
 */
async function main([role, ...args]: readonly string[]): Promise<void> {
  // The caller's mask is the caller's affair: what a container sees must not depend on it ("/" among it).
  process.umask(0o022);
  switch (role) {
    case '__init': {
      const { runInit } = await import('../runtime/process/init.ts');
      return runInit(args[0] ?? '', args[1] ?? '');
    }
    case '__enter': {
      const { runEnter } = await import('../runtime/process/enter/enter.ts');
      return runEnter(args[0] ?? '', args[1] ?? '');
    }
    case '__shim': {
      const { beShim } = await import('./engine/shim/entry.ts');
      return beShim(args);
    }
    case '__unpack': {
      const { runUnpack } = await import('./engine/unpack-child.ts');
      return runUnpack();
    }
    case '__copy-volumes': {
      const { copyVolumes } = await import('./engine/state/volume-copy-child.ts');
      return copyVolumes(JSON.parse(args[0] ?? '') as Parameters<typeof copyVolumes>[0]);
    }
    case '__confine': {
      const { runConfined } = await import('./teach/lab/confine.ts');
      return runConfined(args as [string, ...string[]]);
    }
    default: {
      const { runCommand } = await import('./command.ts');
      return runCommand(process.argv.slice(2));
    }
  }
}

main(process.argv.slice(2)).catch(async (error: unknown) => {
  // Only the program's own faults get here: expected errors are printed by the command line's edge.
  const { complain } = await import('./io/complain.ts');
  // Exits at once: a shim's open connections would keep it, and whoever waits for it, for ever.
  complain(
    `minidock: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  process.exit(125);
});
