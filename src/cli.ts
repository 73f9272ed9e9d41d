/**
 * Entry: dispatch only. The same binary is the user's command, the shim beside a container, its PID 1 before exec,
 * the process that unpacks a layer, and more. Each loads only its own modules, because start-up is most of a short
 * command's cost. They share nothing, so each is compiled by itself (scripts/compile.ts).
 */
async function main([role, ...args]: readonly string[]): Promise<void> {
  // A container's files must not depend on the caller's umask ("/" included).
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
    case '__resolve': {
      const { runResolver } = await import('./engine/dns/main.ts');
      return runResolver(args[0] ?? '');
    }
    case '__relay': {
      const { runRelay } = await import('./engine/relay/main.ts');
      return runRelay(args[0] ?? '');
    }
    case '__exec-end': {
      const { awaitExecEnd } = await import('./engine/exec-end/await.ts');
      return awaitExecEnd(args[1]);
    }
    case '__probe': {
      const { runProbe } = await import('./engine/shim/health/probe.ts');
      return runProbe(args[0] ?? '').then(() => process.exit(0));
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
    case '__scene': {
      if (args[0] === 'goals') {
        const { playGoals } = await import('./page/scene/goals.ts');
        return playGoals().then(() => process.exit(0));
      }
      const { runScene } = await import('./page/scene/main.ts');
      return runScene();
    }
    default: {
      const { runCommand } = await import('./command.ts');
      return runCommand(process.argv.slice(2));
    }
  }
}

main(process.argv.slice(2)).catch(async (error: unknown) => {
  // Only bugs get here: verb-runner.ts prints expected errors.
  const { warnStderr } = await import('./io/warn-stderr.ts');
  // Exits at once: open connections would keep a shim, and its waiting parent, for ever.
  warnStderr(
    `minidock: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  process.exit(125);
});
